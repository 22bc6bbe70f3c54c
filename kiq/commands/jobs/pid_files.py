"""Who has a pid file: its lock tells, not the number in it."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path


def holder(path: Path) -> int | None:
    """Return the number of the process that has the pid file at *path*; None where nobody has it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        pid = int(os.pread(descriptor, 64, 0).decode(errors="replace").strip() or 0)
        # The kernel drops the lock with the process: another one may have its number by now. Looked at
        # only where the process lives, as one that starts would find the file taken meanwhile.
        return pid if pid > 0 and _lives(pid) and _is_locked(descriptor) else None
    except ValueError:
        return None
    finally:
        os.close(descriptor)


def terminate(pid: int) -> bool:
    """Send TERM to *pid*, which may have ended meanwhile; False where it is another user's."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has just ended
    except PermissionError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
