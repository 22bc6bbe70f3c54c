"""Pushes that wait for a transaction of Django, which knows its savepoints itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections

from ... import plugin
from ...errors import StoreUnavailable
from ...plugins.after_commit import Deferred, Transaction, together
from .callers import OfCaller, thread_of_caller

logger = logging.getLogger("kiq.client")

#: Stands for whichever databases are in a transaction, as in Django's ``TestCase.databases``.
ALL = "__all__"
_warned: set[str] = set()


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
        if not self._job.committed():
            return  # it waits for another database as well
        try:
            if self.outage.error is not None:
                # Each attempt may take seconds: one is enough.
                raise StoreUnavailable(f"not tried, as before: {self.outage.error}")
            self._job.push()
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


class Finder:
    """Finds the transaction that is open on the database *using*, or on any of them.

    It looks on the thread where this code has its connections: of async code that a synchronous caller
    waits for, on that caller's. *named*: the database was named at the call.
    """

    def __init__(self, using: str, *, named: bool) -> None:
        self._using = using
        self._named = named

    def __call__(self) -> Transaction | None:
        """Return the transaction; None for none. Raises what Django raises for an unknown alias."""
        thread = thread_of_caller()
        return self._here() if thread is None else OfCaller.found(thread, self._here)

    def carrier(self) -> Callable[..., Any] | None:
        """Return what makes a plain function awaitable that is to run where the transaction is.

        None where that is here.
        """
        return None if thread_of_caller() is None else sync_to_async

    def _here(self) -> Transaction | None:
        using = self._using
        if using == ALL:
            return together([DjangosTransaction(each) for each in _open_on_any()])
        connection = connections[using]
        if _is_open(connection):
            return DjangosTransaction(connection)
        if not self._named:
            _warn_of_others(using)
        return None


finder = Finder


def _is_open(connection: Any) -> bool:
    if connection.in_atomic_block:
        return True
    # By hand: nobody tells when such a transaction ends, as Django says when it is to wait for it.
    return connection.connection is not None and not connection.get_autocommit()


def _open_on_any() -> list[Any]:
    found = [each for each in connections.all(initialized_only=True) if _waits(each)]
    # The blocks that a TestCase has around each test, on all of its databases, are nobody's own.
    own = [each for each in found if not _is_of_a_test(each)]
    usual = [each for each in found if each.alias == DEFAULT_DB_ALIAS]
    return own or usual or found[:1]


def _waits(connection: Any) -> bool:
    if not _is_open(connection):
        return False
    if connection.settings_dict["AUTOCOMMIT"] or connection.alias == DEFAULT_DB_ALIAS:
        return True
    _warn_once(f"the database {connection.alias!r}, which is without AUTOCOMMIT")
    return False


def _is_of_a_test(connection: Any) -> bool:
    blocks = getattr(connection, "atomic_blocks", ())
    return bool(blocks) and all(getattr(each, "_from_testcase", False) for each in blocks)


def _warn_of_others(using: str) -> None:
    for each in connections.all(initialized_only=True):
        if each.alias != using and each.in_atomic_block and not _is_of_a_test(each):
            _warn_once(
                f"the database {each.alias!r}: kiq.after_commit.always knows {using!r} alone. To wait "
                'for all, say using="__all__", or KIQ = {"after_commit": True}'
            )


def _warn_once(which: str) -> None:
    if which not in _warned:
        _warned.add(which)
        logger.warning(
            "a job is pushed in the midst of a transaction that it does not wait for, of %s. "
            "This is said once",
            which,
        )
