"""What ``ps`` and ``top`` call a process: a line with setproctitle, else, on Linux, a short name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .. import __version__
from ..config import Config
from . import linux


def _whole() -> Callable[[str], object] | None:
    """Return what sets the whole line; None where the extra ``title`` is not installed."""
    try:
        module: Any = importlib.import_module("setproctitle")
    except ImportError:
        return None
    found: Callable[[str], object] = module.setproctitle
    return found


class Title:
    """Threads: the main one. *short* is what ``top`` says, 15 letters at most; "" keeps what it is."""

    def __init__(self, short: str, name: str, tag: str = "") -> None:
        self._whole = _whole()
        self._begin = f"kiq {__version__} {name}" + (f" [{tag}]" if tag else "")
        self._said = ""
        self._short = short
        if short:
            linux.name(short)
        self.say("")

    def say(self, text: str) -> None:
        """Let *text* stand behind the name."""
        line = self._begin + text
        if self._whole is not None and line != self._said:
            self._said = line
            self._whole(line)
            linux.name(self._short or "kiq")


class WorkerTitle(Title):
    """That of a worker, with how many of its *threads* are busy."""

    def __init__(self, short: str, name: str, tag: str, threads: int) -> None:
        super().__init__(short, name, tag)
        self._threads = threads

    def busy(self, jobs: int) -> None:
        """Let it say how many jobs run."""
        self.say(f": {jobs} of {self._threads} busy")


def of_worker(config: Config, slot: int) -> WorkerTitle:
    """Return that of this worker: the child in *slot*, or one without a parent (0)."""
    name = f"worker {slot}" if slot else "worker"
    threads = sum(capsule.concurrency for capsule in config.capsules)
    return WorkerTitle(f"kiq {name}" if slot else "", name, config.tag, threads)
