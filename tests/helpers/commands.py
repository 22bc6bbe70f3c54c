"""Commands of ``kiq``, run inside the process of the test."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiq import cli
from kiq.client import use_settings
from tests.helpers.waiting import eventually

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a command wrote and how it ended; *both* is its two streams as a person sees them."""

    code: int
    out: str
    err: str
    both: str

    @property
    def lines(self) -> list[str]:
        """Standard output, line by line."""
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class _Half(io.StringIO):
    """A stream that writes into another one as well."""

    def __init__(self, both: io.StringIO) -> None:
        super().__init__()
        self._both = both

    def write(self, text: str) -> int:
        self._both.write(text)
        return super().write(text)


def command(*arguments: str) -> Outcome:
    """Run ``kiq *arguments`` without a terminal; where Redis is must stand in ``REDIS_URL``."""
    both = io.StringIO()
    out, err = _Half(both), _Half(both)
    code = 0
    use_settings({})  # as in a process of its own, where nothing is configured yet
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main(list(arguments))
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    return Outcome(code, out.getvalue(), err.getvalue(), both.getvalue())


class Terminal:
    """A program on a terminal of *columns*, to type to and to read from. Use it as a context manager."""

    def __init__(
        self, arguments: Sequence[str], *, columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self._master, slave = pty.openpty()
        outside = {k: v for k, v in os.environ.items() if not k.startswith(("KIQ_", "NO_COLOR"))}
        sizes = {"COLUMNS": str(columns), "LINES": str(rows), "TERM": "xterm"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kiq", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**outside, **sizes, "PYTHONPATH": str(ROOT), **environment},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self._seen = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that it has written so far, escape sequences included."""
        return self._seen.decode(errors="replace")

    def says(self, words: str) -> str:
        """Wait until it has written *words*; return all it wrote."""
        eventually(lambda: words in self._read(), 20, message=f"{words!r} is shown")
        return self.text

    def types(self, text: str) -> None:
        """Type *text*; ``\\x03`` is Ctrl-C."""
        os.write(self._master, text.encode())

    def resizes(self) -> None:
        """Tell the program that its terminal has another size."""
        self._process.send_signal(signal.SIGWINCH)

    def sends(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    @property
    def modes(self) -> list[Any]:
        """What the terminal is set to: whether it echoes, and so on."""
        return termios.tcgetattr(self._master)

    def ends(self) -> int:
        """Wait until it has ended; return its exit code."""
        # Reading goes on meanwhile: whoever writes to a full terminal never ends.
        eventually(lambda: self._read() is not None and self._process.poll() is not None, 20)
        self._read()
        return int(self._process.returncode)

    def _read(self) -> str:
        os.set_blocking(self._master, False)
        try:
            while piece := os.read(self._master, 65536):
                self._seen += piece
        except (BlockingIOError, OSError):
            pass  # nothing more now, or the other end is closed
        return self.text


def _take_terminal() -> None:
    # Ctrl-C reaches a program only through the terminal that controls it.
    descriptor = os.open(os.ttyname(0), os.O_RDWR)
    os.close(descriptor)
