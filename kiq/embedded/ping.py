"""Ask a server on a unix socket whether it is there, without a Redis client."""

from __future__ import annotations

import enum
import socket
from pathlib import Path


class Answer(enum.Enum):
    """What a server made of a PING."""

    READY = "it serves"
    BUSY = "it is there, but loads its data, runs a script, or does not get round to it"
    ABSENT = "nobody listens"


def ping(path: Path, *, timeout: float) -> Answer:
    """Send a PING to the unix socket *path* and wait *timeout* seconds at most for the answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            reply = connection.recv(64)
        except (TimeoutError, BlockingIOError):
            # A full backlog answers EAGAIN: somebody is there.
            return Answer.BUSY
        except OSError:
            return Answer.ABSENT
    if not reply:
        return Answer.ABSENT
    return Answer.READY if reply.startswith(b"+PONG") else Answer.BUSY
