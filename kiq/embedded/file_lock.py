"""An exclusive ``flock`` with a deadline."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import EmbeddedServerError


@contextmanager
def locked(path: Path, *, timeout: float, complaint: str) -> Iterator[int]:
    """Hold the lock on *path*, made if missing, and yield its descriptor.

    The lock lasts until the last process that has the descriptor (one started with it, say) has
    closed it. Raises EmbeddedServerError with *complaint* after *timeout* seconds, and OSError when
    *path* can't be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout
        while not _try_to_lock(descriptor):
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"{complaint} (waited {timeout:.0f} s for {path})")
            time.sleep(0.003)
        yield descriptor
    finally:
        # Closed, not unlocked: unlocking would take the lock from those who share it.
        os.close(descriptor)


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
