"""A file that this process has locked for as long as it lives, and its children don't.

The kernel drops the lock at the end of the process, whatever that end was: so a file that was left behind
holds up nobody, and a number in it proves nothing.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

_TRIES = 10  # somebody removes the file between our opening it and our lock


class Taken(Exception):
    """Another process has the file; its text is what that wrote."""


class Held:
    """Threads: the main one. Made by :func:`take` or :func:`adopt`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        os.register_at_fork(after_in_child=self.close)

    def write(self, text: bytes) -> None:
        """Let *text* be the beginning of the file, in one step. Raises OSError."""
        os.pwrite(self.descriptor, text, 0)

    @property
    def there(self) -> bool:
        """Whether others find it by its name."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self.descriptor))
        except OSError:
            return False

    def remove(self) -> None:
        """Remove it, if it is still what has the name, and let go of it."""
        if self.descriptor >= 0:
            try:
                if self.there:
                    self.path.unlink()
            except OSError:
                pass  # a folder that became read-only: it holds up nobody
            self.close()

    def close(self) -> None:
        """Let go of it."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def take(path: Path, mode: int) -> Held:
    """Make or take over the file *path*, and lock it. Raises Taken, or OSError."""
    for _ in range(_TRIES):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(path, flags, mode)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{path} is no file")
            _lock(descriptor)
            held = Held(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        if held.there:
            return held
        held.close()
    raise OSError(f"{path} is removed again and again")


def adopt(descriptor: int) -> Held:
    """Return what this process held by *descriptor* before it began anew, which only Linux's does."""
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        path = os.devnull  # which it is not: it has no name, then
    return Held(Path(path), descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Taken(os.pread(descriptor, 64, 0).decode(errors="replace").strip()) from None
