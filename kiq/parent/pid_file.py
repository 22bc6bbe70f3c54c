"""The pid file: tells scripts which process this is, and lets no second one start beside it."""

from __future__ import annotations

import atexit
import os
from pathlib import Path

from ..errors import BootError, ConfigError
from . import held
from .held import Held


def claim(path: str, left: int = -1) -> Held | None:
    """Write this process's number to *path*, and hold the file; None where no path is set.

    *left* is the descriptor by which this process held one before it began anew, -1 for none. Raises
    BootError where another process has the file, ConfigError where it can't be written.
    """
    before = held.adopt(left) if left >= 0 else None
    if before is not None and path and Path(path).absolute() == before.path and before.there:
        return before
    try:
        found = _claimed(Path(path).absolute()) if path else None
    finally:
        if before is not None:
            before.remove()
    return found


def claim_for_life(path: str) -> None:
    """Do so for a worker without a parent, and remove the file when Python ends. Raises the same."""
    file = claim(path)
    if file is not None:
        atexit.register(file.remove)


def _claimed(path: Path) -> Held:
    try:
        file = held.take(path, 0o644)
    except held.Taken as other:
        raise BootError(
            f"another process (pid {other}) has the pid file {path}: it works already. Stop it first, or "
            "give each its own"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"pidfile {path}: it can't be written: {error.strerror or error}"
        ) from error
    try:
        os.ftruncate(file.descriptor, 0)
        file.write(b"%d\n" % os.getpid())
    except OSError as error:
        file.remove()
        raise ConfigError(
            f"pidfile {path}: it can't be written: {error.strerror or error}"
        ) from error
    return file
