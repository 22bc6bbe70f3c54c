"""Pushes that wait for a transaction of Django, which knows its savepoints itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections

from ... import plugin
from ...errors import StoreUnavailable
from ...plugins.after_commit import Deferred, push_all


class _Outage:
    """Whether Redis could not be reached by an earlier push of the same transaction."""

    error: StoreUnavailable | None = None


class _Push:
    """One deferred push, as Django calls it after the commit."""

    def __init__(self, job: Deferred, outage: _Outage) -> None:
        self._job = job
        self.outage = outage

    def __call__(self) -> None:
        """Push; an error is reported, so that what else waits for the commit still happens."""
        try:
            if self.outage.error is not None:
                # Each attempt may take seconds: one is enough.
                raise StoreUnavailable(f"not tried, as before: {self.outage.error}")
            push_all([self._job])
        except Exception as error:  # noqa: BLE001 (the transaction is committed: nobody can undo it)
            if isinstance(error, StoreUnavailable):
                self.outage.error = self.outage.error or error
            jids = ", ".join(self._job.jids[:20])
            what = {"context": "committed, but not pushed", "class": self._job.name, "jid": jids}
            plugin.host.report(error, what)


class DjangosTransaction:
    """The atomic block that is open on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def defer(self, job: Deferred) -> None:
        """Push *job* when the outermost atomic block is committed."""
        earlier = (each for _, each, _ in reversed(self._connection.run_on_commit))
        outage = next((each.outage for each in earlier if isinstance(each, _Push)), _Outage())
        self._connection.on_commit(_Push(job, outage), robust=True)


def finder(using: str) -> Callable[[], DjangosTransaction | None]:
    """Return what finds the transaction that is open in this thread on the database *using*."""

    def find() -> DjangosTransaction | None:
        connection = connections[using]
        if connection.in_atomic_block:
            return DjangosTransaction(connection)
        if connection.connection is not None and not connection.get_autocommit():
            # Nobody tells when such a transaction ends: Django says so.
            return DjangosTransaction(connection)
        return None

    return find
