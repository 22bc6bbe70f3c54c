"""Where results are looked for: in Redis, or in what stands in for it in tests."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ...api.home import Connection, connection
from ...errors import StoreError
from .hub import Hub, Waiter, wait_by
from .places import Whereabouts, whereabouts
from .reader import Seen, is_dead_still, seen
from .record import Outcome


class Source(Protocol):
    """Where results are. *hint* is what to add where somebody has waited in vain."""

    hint: str

    def seen(self, jids: Sequence[str]) -> list[Seen]:
        """Return what is known of each of *jids*. One round trip for 500."""

    def whereabouts(self, jid: str) -> Whereabouts | None:
        """Return where the job is now; None: nowhere. Many round trips."""

    def is_dead_still(self, outcome: Outcome) -> bool:
        """Tell whether what died is in the dead set. One round trip."""

    def latest(self, what: Seen) -> Seen | None:
        """Return the last end of a job that died, or whose result is gone; None where it runs again.

        One round trip as a rule.
        """

    def begin(self, waiters: Sequence[Waiter]) -> Hub | None:
        """Have *waiters* told; return who does, or None: nothing will happen while they wait."""


class RedisSource:
    """Results in Redis."""

    hint = ""

    def __init__(self, home: Connection) -> None:
        self._home = home

    def seen(self, jids: Sequence[str]) -> list[Seen]:
        """See :meth:`Source.seen`."""
        return seen(self._home, jids)

    def whereabouts(self, jid: str) -> Whereabouts | None:
        """See :meth:`Source.whereabouts`."""
        return whereabouts(self._home, jid)

    def is_dead_still(self, outcome: Outcome) -> bool:
        """See :meth:`Source.is_dead_still`."""
        return is_dead_still(self._home, outcome)

    def latest(self, what: Seen) -> Seen | None:
        """See :meth:`Source.latest`."""
        outcome = what.outcome
        try:
            if outcome is not None and self.is_dead_still(outcome):
                return what
            where = whereabouts(self._home, what.jid)
            if where is not None and where.status != "dead":
                return None
            (again,) = self.seen([what.jid])  # it may have ended once more
        except StoreError:
            return what
        return what if again.record is None else again

    def begin(self, waiters: Sequence[Waiter]) -> Hub:
        """See :meth:`Source.begin`."""
        return wait_by(self._home, waiters)


#: Asked in turn before Redis; ``kiq.testing`` has what the jobs of tests came to.
stand_ins: list[Callable[[], Source | None]] = []


def source_of(client: Any) -> Source:
    """Return where the results are of what *client* pushes: as for :func:`kiq.api.connection`."""
    if client is None:
        for find in stand_ins:
            if found := find():
                return found
    return RedisSource(_by_url(client) if isinstance(client, str) else connection(client))


@functools.lru_cache(maxsize=16)
def _by_url(url: str) -> Connection:
    """Return one connection for a URL: who waits by it shares what waits."""
    return connection(url)
