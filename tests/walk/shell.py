"""A shell that somebody types into, as far as a program can tell."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

from tests.helpers.waiting import eventually

#: What is set around the tests and must not reach the shell.
_OURS = ("KIQ_", "REDIS_URL", "PYTHON", "VIRTUAL_ENV", "COVERAGE_", "PYTEST_", "APP_ENV")
_END = "the shell has done that:"


class Shell:
    """One bash in *folder*: what a line changes (folder, variables) stays for the next. A context manager.

    How long each line took is printed, for whoever runs the walk.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        outside = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env={**outside, "PYTHONUNBUFFERED": "1", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._workers = 0
        self._folder = folder

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.close()
        self._bash.wait(20)
        self._bash.stdout.close()
        try:
            os.killpg(self._bash.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing of it is left

    def types(self, line: str) -> str:
        """Run *line* and return what it wrote; it must succeed."""
        began = time.monotonic()
        output = self._do(line)
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)
        return output

    def _do(self, line: str) -> str:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        # Its own standard input: a program must not read what is typed next.
        self._bash.stdin.write(f"{{ {line}\n}} </dev/null\necho; echo {shlex.quote(_END)} $?\n")
        self._bash.stdin.flush()
        wrote = []
        for each in self._bash.stdout:
            if each.startswith(_END):
                break
            wrote.append(each)
        else:
            raise AssertionError(f"the shell ended at {line!r}:\n{''.join(wrote)}")
        output = "".join(wrote).rstrip("\n")
        assert each.split()[-1] == "0", f"{line!r} ended with {each.split()[-1]}:\n{output}"
        return output

    def runs(self, line: str, *words: str) -> str:
        """Run the worker *line* until it has said all of *words*, then end it by Ctrl-C; return its log."""
        began = time.monotonic()
        self._workers += 1
        log = self._folder / f"worker-{self._workers}.log"
        line = line.partition("#")[0].strip()
        log.touch()
        # exec: the signal is for the worker, and a background process of bash would ignore it else.
        self._do(
            f"(trap - INT; exec env --default-signal=INT {line}) >{shlex.quote(str(log))} 2>&1 & worker=$!"
        )

        def said() -> bool:
            return all(word in log.read_text() for word in words)

        try:
            eventually(said, 30, message=f"{line!r} says {words}")
        except AssertionError as error:
            raise AssertionError(f"{error}; its log:\n{log.read_text()}") from None
        took = time.monotonic() - began
        self._do("kill -INT $worker && wait $worker")
        print(f"{took:7.1f} s  {line}, until it said {words[-1]!r}", flush=True)
        return log.read_text()
