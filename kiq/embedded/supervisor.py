"""Run a server that ends when the last process that holds its lease is gone."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..errors import EmbeddedServerError

_SCRIPT = Path(__file__).with_name("supervise.sh")


def supervise(command: Sequence[str], *, lease: int, lock: int, log: int) -> None:
    """Start the server *command* in a session of its own, out of reach of Ctrl-C.

    *lease* is the reading end of a pipe or FIFO: at its end of file the server gets SIGTERM, and
    SIGKILL ten seconds later. That end is closed when the server is gone, so a holder of the
    writing end sees its death. *lock* is a file that the server keeps open, and with it its
    ``flock``, until it has left. *log* receives the output. The three stay open in the caller.
    Raises EmbeddedServerError when there is no shell to do it.
    """
    try:
        subprocess.run(
            ["/bin/sh", str(_SCRIPT), *command],
            stdin=lease,
            stdout=lock,
            stderr=log,
            start_new_session=True,
            cwd="/",
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(
            f"/bin/sh, which looks after the embedded server, can't be run: {error}. "
            "Point REDIS_URL at a Redis that runs already"
        ) from error
