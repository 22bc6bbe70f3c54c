"""The quick way to push: ready bytes into redis-py's socket, one line back.

redis-py connects, and does whatever is not usual. What it does besides for each command, and Python
for each time-out of a socket, costs as much as the push.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

from redis import exceptions

from .connection import Connector, Link
from .scripts import Command, Packed
from .translation import GONE

_READ_SIZE = 4096


class DirectLink(Link):
    """A link that has a quick way for commands that Redis answers with a number.

    Threads: used by one at a time.
    """

    def __init__(self, connector: Connector) -> None:
        super().__init__(connector, connector.open()._connection)
        self._socket: socket.socket | None = None  # once it is ready for `_converse`

    def tell(self, commands: Sequence[Packed]) -> Sequence[Any]:
        """Send *commands* in one write. One round trip; raises as :meth:`exchange` does.

        Return nothing when all were done; else something for each, its StoreError if it was refused.
        After any other exception than a StoreError the link must be closed: a reply may be on its way.
        """
        sock = self._socket
        if sock is None or len(commands) > 1:
            return self.ask(commands)
        try:
            answer = _converse(sock, commands[0])
            if answer[:1] == b":":
                self.used_at = time.monotonic()
                return ()
            replies = [_refusal(self._connection, answer)]
        except (*GONE, exceptions.RedisError) as error:
            failed = self._failed(error, commands)
            raise failed from failed.__cause__
        self._leave()
        return self._done(commands, replies)

    def ask(self, commands: Sequence[Packed]) -> Sequence[Any]:
        """Send *commands* in one write; return all replies, whatever they are. Raises as exchange does."""
        self._leave()
        return self._done(commands, self._round_trip(commands))

    def _done(self, commands: Sequence[Packed], replies: list[Any]) -> Sequence[Any]:
        replies = self._settled(commands, replies)
        self._socket = _ready(self._connection)
        return replies

    def send(self, commands: Sequence[Command]) -> None:
        """Send *commands* for whatever answers; see :meth:`Link.send`."""
        self._leave()
        super().send(commands)

    def is_stale(self) -> bool:
        """Tell whether the server has closed this idle connection, or left something unread."""
        self._leave()  # redis-py looks with its own time-outs, and sets them anew
        return super().is_stale()

    def _leave(self) -> None:
        """Let redis-py have the socket as it knows it."""
        if self._socket is not None:
            self._socket.settimeout(self._connection.socket_timeout)
            self._socket = None

    def close(self) -> None:
        """Close the connection, unread; see :meth:`Link.close`."""
        self._socket = None
        super().close()


def _ready(connection: Any) -> socket.socket | None:
    """Return the socket of *connection*, ready for :func:`_converse`; None if it can't be.

    From now on the kernel keeps its time-outs: Python would ask it before each read and write.
    """
    sock, parser = getattr(connection, "_sock", None), getattr(connection, "_parser", None)
    if type(sock) is not socket.socket or not hasattr(parser, "parse_error"):
        return None  # TLS, a fake server, or a redis-py that is made otherwise
    if connection.socket_timeout is not None:
        seconds, rest = divmod(max(connection.socket_timeout, 1e-6), 1)
        limit = struct.pack("ll", int(seconds), int(rest * 1e6))
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        except OSError:
            return None  # a kernel that tells time otherwise
    sock.settimeout(None)
    return sock


def _converse(sock: socket.socket, packed: Packed) -> bytes:
    """Send *packed*, and return the one line that answers it. Raises what redis-py would."""
    doing = "writing to"
    try:
        sock.sendall(packed)
        doing = "reading from"
        answer = sock.recv(_READ_SIZE)
        while not answer.endswith(b"\n"):
            more = sock.recv(_READ_SIZE)
            if not more:
                raise exceptions.ConnectionError("Connection closed by server.")
            answer += more
    except (TimeoutError, BlockingIOError):  # Python's limit, or the kernel's
        raise exceptions.TimeoutError(f"Timeout {doing} socket") from None
    except OSError as error:
        raise exceptions.ConnectionError(f"Error while {doing} socket: {error}") from error
    if answer.count(b"\n") > 1:
        raise exceptions.InvalidResponse(f"more than one answer: {answer[:200]!r}")
    return answer


def _refusal(connection: Any, answer: bytes) -> Exception:
    """Return the error that Redis answered. Raises it, if it ends a connection."""
    if not answer.startswith(b"-"):
        raise exceptions.InvalidResponse(f"neither a number nor an error: {answer[:200]!r}")
    error: Exception = connection._parser.parse_error(answer[1:-2].decode("utf-8", "replace"))
    if isinstance(error, exceptions.ConnectionError):
        raise error
    return error
