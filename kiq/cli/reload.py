"""``kiq --reload``: a worker that starts again, with new code, when the application's files change."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from .. import config_file
from ..clock import steady
from ..kept import Kept
from ..parent.ears import Ears
from ..signals import STOP
from .sources import Rounds, Sources, application_folders
from .streams import complain

#: Says to a worker which process looks after it. A job's own ``kiq`` has another parent than that.
_VARIABLE = "KIQ_RELOADED_BY"
_FOR_JOBS = 2.0  # seconds that running jobs have at a restart; then they go back to their queues
_TO_END = 10.0  # seconds more until what does not end is killed
_LOOK = 0.05  # seconds between two looks whether it has ended
_SLOW = 2.0  # seconds between two looks at the files from which on that is said

_Run = Callable[..., Any]


def reloading(run: _Run) -> _Run:
    """Give ``kiq run`` the flags ``--reload`` and ``--reload-dir``."""

    @functools.wraps(run)
    def command(reload: bool, reload_dirs: Sequence[Path], **rest: Any) -> Any:
        if not reload and reload_dirs:
            raise click.UsageError("--reload-dir goes with --reload")
        if not reload:
            return run(**rest)
        if rest["drain"]:
            raise click.UsageError("--reload and --drain: say one of them")
        if rest["processes"] not in (None, "0"):
            raise click.UsageError("--reload is for one process: leave --processes out")
        if os.environ.get(_VARIABLE) == str(os.getppid()):
            _follow(os.getppid())
            return run(**{**rest, "processes": "0"})
        files = [Path(rest["path"])] if rest["path"] else list(map(Path, config_file.LOOKED_FOR))
        sys.exit(Reloader(Sources(list(reload_dirs) or application_folders(), files)).run())

    for option in (_FOLDERS, _FLAG):
        command = option(command)
    return command


_FLAG = click.option(
    "--reload", is_flag=True, help="Start again when the code changes (development)."
)
_FOLDERS = click.option(
    "--reload-dir",
    "reload_dirs",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to look for changes; repeat it.",
)


class Reloader:
    """Runs this very command as a child, and again when *sources* have changed. Imports no application.

    Of two workers one has always ended before the next begins.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._ears = Ears()
        self._worker: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._began = float("-inf")  # when the last worker was started
        self._rounds = Rounds()

    def run(self) -> int:
        """Do so until it is stopped, or the worker is (``kiq stop``); return the exit code."""
        self._ears.install(booted=True)
        complain(f"kiq: looking for changes in {self._sources.count} files")
        self._start()
        while True:
            self._hear(self._sources.pause)
            code = self._code()
            if code is not None:
                self._worker = None
                if self._stopping or code == 0:
                    return max(code, 0)
                how = f"ended with {code}" if code > 0 else f"was killed by signal {-code}"
                complain(f"kiq: the worker {how}; it starts again when a file changes")
            if self._stopping:
                if self._worker is None:
                    return 0
                continue
            changed = self._sources.changed()
            if changed and self._rounds.goes_on(changed, steady() - self._began):
                complain(
                    f"kiq: {_named(changed)} changes after each start: does the application write it? "
                    "The worker stays until another change"
                )
                self._sources.begin()
            elif changed:
                complain(f"kiq: changed: {_named(changed)}")
                code = self._end()
                if self._stopping:
                    return max(code, 0)
                self._start()

    def _start(self) -> None:
        self._began = steady()
        self._sources.begin()  # before it reads them: what changes meanwhile is seen
        if self._sources.pause > _SLOW:
            complain(
                f"kiq: a look at {self._sources.count} files takes {self._sources.pause / 4:.1f} s: "
                "name the folders of your code by --reload-dir"
            )
        # Python knows a compiled file by the second and size of its source: within a second it would run
        # old code.
        environment = {
            **os.environ,
            _VARIABLE: str(os.getpid()),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._worker = subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=environment)

    def _end(self) -> int:
        """End the worker, wait for that, and return its exit code."""
        if self._worker is None:
            return 0
        self._pass_on("TERM")
        began, hurried = steady(), False
        while (code := self._code()) is None:
            self._hear(_LOOK)
            waited = steady() - began
            if waited > _FOR_JOBS and not hurried:
                hurried = True
                self._pass_on("TERM")
            if waited > _FOR_JOBS + _TO_END:
                complain("kiq: the worker does not end: it is killed")
                self._worker.kill()
                code = self._worker.wait()
                break
        self._worker = None
        return code

    def _code(self) -> int | None:
        return self._worker.poll() if self._worker is not None else None

    def _hear(self, seconds: float) -> None:
        for name in self._ears.wait(seconds):
            self._stopping = self._stopping or name in STOP
            self._pass_on(name)  # from a terminal it has that already: within a second that is one

    def _pass_on(self, name: str) -> None:
        if self._worker is not None and name != "USR2":
            self._worker.send_signal(signal.Signals[f"SIG{name}"])


def _named(paths: Sequence[str]) -> str:
    shown = [os.path.relpath(path) for path in paths[:3]]
    return ", ".join(shown) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _follow(parent: int) -> None:
    """End this process in order when *parent* is gone, however that ended: old code is to take no jobs."""

    pause = threading.Event()

    def watch() -> None:
        while os.getppid() == parent:
            pause.wait(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    Kept(watch, "kiq-reload").start()
