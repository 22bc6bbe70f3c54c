"""Children that a job forked: copies of this process, which must not act for it."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from .raised import is_a, name_of, traceback_of

#: Whether this process is such a child, and no worker of its own runs in it. One flag for the process, not
#: one for each worker: a fork copies all that run in the parent, and of their threads only the one that
#: forked, so that a copy and its original never are in one process.
present = False
_begun = False  # a worker has begun here, or in the process that forked this one
_copied = False  # this process was forked after that


def watch() -> None:
    """Tell children that are forked from now on; called when a worker begins in this process.

    A worker that is started in such a child is nobody's copy: while it runs, the process is none.
    """
    global present, _begun
    present, _begun = False, True


def unwatch() -> None:
    """Note that the last worker of this process has ended: in a child it is the copy again that goes on.

    What had forked it, the parent's job, returns to a copy of the parent's thread, and must end there.
    """
    global present
    present = _copied


def end(error: BaseException | None = None) -> NoReturn:
    """End this child as Python would have, where the job's own code returned or raised *error* in it.

    Nothing of the parent's runs: no layer, no handler, no exit function.
    """
    code = 1
    try:
        code = _code(error)
    except BaseException:  # noqa: BLE001 (an error that can't be printed, or nowhere to print it)
        with suppress(AttributeError, OSError, ValueError):
            sys.stderr.write(f"{name_of(error) if error is not None else ''}\n")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # it is closed, or nobody reads it any more
    os._exit(code)


def end_here(error: BaseException | None = None) -> None:
    """End this process if it is such a child, as :func:`end` does: user code has returned in it."""
    if present:
        end(error)


def _code(error: BaseException | None) -> int:
    if error is None:
        return 0
    if is_a(error, SystemExit):
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        sys.stderr.write(f"{error.code}\n")
        return 1
    traceback.print_exception(type(error), error, traceback_of(error))
    return 1


def _forked() -> None:
    global present, _copied
    present = _copied = _begun


os.register_at_fork(after_in_child=_forked)
