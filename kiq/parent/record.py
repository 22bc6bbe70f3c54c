"""The record of a parent: a file by which commands on its machine find it, and read what it is at.

It lies in the run folder, is locked while the parent lives, and is written in place: a full disk changes
nothing.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..clock import steady
from . import held
from .held import Held
from .saying import say

_SUFFIX = ".parent"
_SIZE = 4096
_LONGEST = 1000  # characters of a text
_KEEP = 3600.0  # seconds until it is touched: what ages in /tmp is removed there


@dataclass(frozen=True, slots=True)
class State:
    """What a parent says of itself. *orders* counts those to restart, *step* is how far the last one is.

    Which is ``""``, ``trying``, ``replacing``, ``done``, or ``failed``, with *why*. *ready* children take
    jobs, *old* ones finish. *folder* is where it was started, *file* its configuration, *space* where
    its pid is one: that of a container is none outside.
    """

    pid: int
    processes: int
    folder: str = ""
    file: str = ""
    tag: str = ""
    orders: int = 0
    step: str = ""
    why: str = ""
    ready: int = 0
    old: int = 0
    space: str = ""

    @property
    def over(self) -> bool:
        """Whether the last restart is."""
        return self.step in ("done", "failed")


class Record:
    """Threads: the parent's one. *left* is the descriptor that it had before it began anew."""

    def __init__(self, folder: Path, state: State, left: int = -1) -> None:
        self._folder = folder
        self._next_look = 0.0
        self.state = state
        self._file: Held | None = None
        if left >= 0:
            before = _read(left)
            self._file = held.adopt(left)
            if before is not None:
                self.state = replace(state, orders=before.orders, step=before.step)
        self.keep()
        self._write()

    @property
    def descriptor(self) -> int:
        """What it is held by; -1 where there is none."""
        return self._file.descriptor if self._file is not None else -1

    def tell(self, **changes: Any) -> None:
        """Say something else from now on; a repetition writes nothing."""
        texts = {
            name: value[:_LONGEST] for name, value in changes.items() if isinstance(value, str)
        }
        state = replace(self.state, **{**changes, **texts})
        if state != self.state:
            self.state = state
            self._write()

    def fail(self, why: str) -> None:
        """Say why the restart that is under way came to nothing."""
        if self.state.step and not self.state.over:
            self.tell(step="failed", why=why)

    def keep(self) -> None:
        """See to it that it is there; call it every second or so."""
        if steady() < self._next_look:
            return
        self._next_look = steady() + _KEEP
        try:
            if self._file is not None and self._file.there:
                os.utime(self._file.descriptor)
                return
            self._file = self._made()
        except OSError as error:
            say(logging.WARNING, "kiq restart won't find this parent: %s", error)
            return
        self._write()

    def _made(self) -> Held:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self._folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise PermissionError(f"{self._folder} is not this user's alone")
        # A name of its own: the pid may be that of a parent in another container.
        name = f"{self.state.pid}-{uuid.uuid4().hex[:8]}{_SUFFIX}"
        file = held.take(self._folder / f".{name}", 0o600)
        try:
            file.write(b" " * _SIZE)  # the room that it needs, whatever the disk is like later
            os.rename(file.path, self._folder / name)  # nobody ever sees it unlocked
        except OSError:
            file.remove()
            raise
        file.path = self._folder / name
        return file

    def _write(self) -> None:
        if self._file is None:
            return
        text = json.dumps(asdict(self.state)).encode()
        try:
            self._file.write(text.ljust(_SIZE)[:_SIZE])
        except OSError as error:
            say(logging.WARNING, "kiq restart can't be told how it goes: %s", error)

    def remove(self) -> None:
        """Take it away; the parent ends."""
        if self._file is not None:
            self._file.remove()
            self._file = None


def space() -> str:
    """Return what tells this machine, or container, from others that number processes anew."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def parents(folder: Path) -> Iterator[tuple[Path, State]]:
    """Yield the parents of this machine that live, with the files that :func:`look` takes."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.endswith(_SUFFIX) and name[0] != ".":
            state = look(folder / name)
            if state is not None and state.space == space():
                yield folder / name, state


def look(path: Path) -> State | None:
    """Return what the parent with the record *path* says; None if it lives no more."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(descriptor)
        with suppress(OSError):
            path.unlink()
        return None
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> State | None:
    try:
        found = json.loads(os.pread(descriptor, _SIZE, 0))
        known = {field.name for field in fields(State)}
        return State(**{name: value for name, value in found.items() if name in known})
    except (OSError, ValueError, TypeError, AttributeError):
        return None  # it is about to be written for the first time
