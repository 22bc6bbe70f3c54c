"""The connection that the data API reads and writes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .. import interruption
from ..client import Client, process_client
from ..config import Redis
from ..errors import StoreError
from ..store.connection import Connector, Link
from ..store.link_pool import LinkPool
from ..store.scripts import Command

T = TypeVar("T")


class Connection:
    """Sends commands to one Redis.

    Threads: any, and any forked child; each call borrows a link.
    """

    def __init__(self, links: LinkPool) -> None:
        self._links = links
        #: The Redis, as it may be shown.
        self.where = links.where
        #: Opens connections to it, for what needs one of its own.
        self.connector = links.connector

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
        return self._links.lend(Link.exchange, commands)

    def call(self, command: Command) -> Any:
        """Send one command and return its reply. One round trip; raises StoreError."""
        return self.exchange((command,))[0]

    def with_link(self, use: Callable[[Link], T]) -> T:
        """Call *use* with a link that nobody else uses meanwhile, and return what it does."""
        return self._links.lend(lambda link, _: use(link), ())


def connection(source: Any = None) -> Connection:
    """Return a connection to *source*: a URL, ``kiq.config.Redis``, ``redis.Redis`` or ``kiq.Client``.

    A Connection is returned as it is. None means where ``perform_async`` pushes (``kiq.configure``).
    Raises ConfigError for a bad URL. No network is touched, but by an embedded server that must start.
    """
    if isinstance(source, Connection):
        return source
    if source is None:
        source = process_client()
    if isinstance(source, Client):
        return Connection(source.links)
    given = Redis(url=source) if isinstance(source, str) else source
    return Connection(LinkPool(Connector(given, "kiq-api")))
