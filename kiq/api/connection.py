"""The connection that the data API reads and writes by."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from .. import interruption
from ..client import Client, process_client
from ..config import Redis
from ..errors import StoreError
from ..store.connection import Connector, Link
from ..store.scripts import Command

_MOST_IDLE = 8


class Connection:
    """Sends commands to one Redis.

    Threads: any, and any forked child; each call borrows a link.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        #: The Redis, as it may be shown.
        self.where = connector.where
        self._home: tuple[int, list[Link]] = (os.getpid(), [])

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* in one write; return their replies. One round trip.

        Raises the first StoreError that one was refused with; the others were done all the same.
        """
        replies = self.replies(commands)
        refused = [reply for reply in replies if isinstance(reply, StoreError)]
        if refused:
            refused[0].maybe_done = len(refused) < len(replies)
            raise refused[0]
        return replies

    def replies(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* in one write; return their replies, a StoreError for what was refused.

        One round trip. Raises StoreUnavailable.
        """
        if interruption.due:
            interruption.arrive()  # a job that looks again and again ends between two looks
        pid = os.getpid()
        if self._home[0] != pid:
            self._home = (pid, [])  # a forked child leaves the parent's sockets alone
        idle = self._home[1]
        try:
            link = idle.pop()
        except IndexError:
            link = self._connector.open()
        if time.monotonic() - link.used_at > 1 and link.is_stale():
            link.close()
        try:
            replies = link.exchange(commands)
        except BaseException:
            link.close()  # Ctrl-C, wherever it struck: nobody else may read this answer
            raise
        if len(idle) < _MOST_IDLE:
            idle.append(link)
        else:
            link.close()
        return replies

    def call(self, command: Command) -> Any:
        """Send one command and return its reply. One round trip; raises StoreError."""
        return self.exchange((command,))[0]


class _Default:
    """The connection to where ``perform_async`` pushes; a new one after ``kiq.configure``."""

    def __init__(self) -> None:
        self._made: tuple[Connector, Connection] | None = None

    def get(self) -> Connection:
        connector, made = process_client().connector, self._made
        if made is None or made[0] is not connector:
            made = self._made = (connector, Connection(connector))
        return made[1]


_default = _Default()


def connection(source: Any = None) -> Connection:
    """Return a connection to *source*: a URL, ``kiq.config.Redis``, ``redis.Redis`` or ``kiq.Client``.

    A Connection is returned as it is. None means where ``perform_async`` pushes (``kiq.configure``).
    Raises ConfigError for a bad URL. No network is touched, but by an embedded server that must start.
    """
    if source is None:
        return _default.get()
    if isinstance(source, Connection):
        return source
    if isinstance(source, Client):
        return Connection(source.connector)
    return Connection(
        Connector(Redis(url=source) if isinstance(source, str) else source, "kiq-api")
    )
