"""The source files of an application, and whether what is in them has changed."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..clock import steady

_SUFFIX = ".py"
_LEFT_OUT = ("__pycache__", "node_modules", "site-packages")
_PAUSE, _SHARE = 0.3, 4  # seconds between two looks; a look takes a fifth of the time at most
_MOST = 20  # looks at files that go on changing until that counts as a change
_SOON = 5.0  # seconds from a start within which the application may have written a file itself
_TIMES = 5  # that the same files have to change so, after the first time
_ASIDE = 32_000_000  # bytes: what is larger is known by its size and time

#: What tells that a file was written: time (nanoseconds), size, and which file it is.
_Mark = tuple[int, int, int]


class Sources:
    """The Python files under *folders*, and *files*, whether or not they are there yet.

    By looking again and again: file events differ by system, and do not come out of every container or
    network share. What counts is content, so that what only touches a file, and what Python writes itself,
    changes nothing. Threads: one.
    """

    def __init__(self, folders: Sequence[Path], files: Sequence[Path] = ()) -> None:
        self._folders = folders
        self._files = files
        self.pause = _PAUSE  # seconds to wait before the next look
        self.begin()

    @property
    def count(self) -> int:
        """How many files were there at the last look."""
        return len(self._last)

    def begin(self) -> None:
        """Take what is there now for what is known."""
        self._known = self._last = self._look()
        self._digests = {path: _digest(path, mark) for path, mark in self._known.items()}
        self._restless = 0

    def changed(self) -> list[str]:
        """Look once; return the files that differ from what is known, when all have come to rest.

        At rest is what two looks have found alike: a checkout of many files, and an editor that
        replaces one, are one change.
        """
        now = self._look()
        if now == self._known:
            self._last, self._restless = now, 0
            return []
        rests = now == self._last or self._restless >= _MOST
        self._last, self._restless = now, self._restless + 1
        if not rests:
            return []
        differing = sorted(path for path in {*now, *self._known} if self._differs(path, now))
        if not differing:
            self._known, self._restless = now, 0
        return differing

    def _differs(self, path: str, now: dict[str, _Mark]) -> bool:
        mark = now.get(path)
        if mark == self._known.get(path):
            return False
        return mark is None or _digest(path, mark) != self._digests.get(path)

    def _look(self) -> dict[str, _Mark]:
        began = steady()
        found: dict[str, _Mark] = {}
        seen: set[tuple[int, int]] = set()
        for folder in self._folders:
            for path, mark in _under(str(folder), seen):
                found[path] = mark
        for file in self._files:
            try:
                found[str(file)] = _mark(os.stat(file))
            except OSError:
                pass  # it may come
        self.pause = max(_PAUSE, _SHARE * (steady() - began))
        return found


class Rounds:
    """Tells changes that the application makes itself, at each start, from those of people."""

    def __init__(self) -> None:
        self._last: list[str] = []
        self._times = 0

    def goes_on(self, changed: list[str], running: float) -> bool:
        """Note that *changed* did so when the worker had been *running* for some seconds.

        Return whether that was soon after a start, and so time and again.
        """
        again = changed == self._last and running < _SOON
        self._last, self._times = changed, self._times + 1 if again else 0
        return self._times >= _TIMES


def application_folders() -> list[Path]:
    """Return where an application's modules come from: the working folder, and what else is on the path.

    Without Python's own folders, and those of installed packages.
    """
    theirs = [*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix]
    here = Path.cwd()
    found = [here]
    for entry in filter(None, sys.path):
        path = Path(entry)
        inside = any(path.is_relative_to(one) for one in theirs) and not path.is_relative_to(here)
        if path.is_dir() and not inside and not set(path.parts) & set(_LEFT_OUT):
            found.append(path.resolve())
    return found


def _under(folder: str, seen: set[tuple[int, int]]) -> Iterator[tuple[str, _Mark]]:
    """Yield the Python files of *folder*, and those below; links are followed, each folder once."""
    try:
        at = os.stat(folder)
        if (at.st_dev, at.st_ino) in seen:
            return
        seen.add((at.st_dev, at.st_ino))
        with os.scandir(folder) as entries:
            each = list(entries)
    except OSError:
        return  # it has gone, or is not for us
    if any(entry.name == "pyvenv.cfg" for entry in each):
        return
    for entry in each:
        try:
            if entry.name.endswith(_SUFFIX):
                yield entry.path, _mark(entry.stat())
            elif not entry.name.startswith(".") and entry.name not in _LEFT_OUT and entry.is_dir():
                yield from _under(entry.path, seen)
        except OSError:
            continue  # it went while we looked


def _mark(found: os.stat_result) -> _Mark:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(path: str, mark: _Mark) -> bytes:
    """Return what stands for the content of *path*; raises nothing."""
    try:
        if mark[1] > _ASIDE:
            return repr(mark).encode()
        with open(path, "rb") as file:
            return hashlib.blake2b(file.read(), digest_size=16).digest()
    except OSError:
        return b""
