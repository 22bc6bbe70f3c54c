"""The database connections of one thread between jobs: closed when they are old, tried before use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections, reset_queries

Report = Callable[[BaseException, dict[str, Any]], None]


def freshen(jid: str, report: Report, *, by_age: bool = True) -> None:
    """Treat the connections of this thread as between two requests; errors are reported.

    A transaction that is open is rolled back. *by_age*: close what is older than ``CONN_MAX_AGE``.
    """
    reset_queries()
    for connection in connections.all(initialized_only=True):
        try:
            if connection.in_atomic_block:
                raise RuntimeError(
                    f"a job left a transaction open on the database {connection.alias!r}: it is "
                    "rolled back; use `with transaction.atomic()`"
                )
            if by_age:
                connection.close_if_unusable_or_obsolete()
            connection.health_check_enabled = True
        except Exception as error:  # noqa: BLE001 (the job is done, whatever its connection does)
            report(error, {"context": "closing a connection", "jid": jid})
            _forget(connection)


def look_again() -> None:
    """Have the connections of this thread tried before they are used next."""
    for connection in connections.all(initialized_only=True):
        # Not amid a transaction, which may be broken until its savepoint is rolled back.
        if not connection.in_atomic_block:
            connection.health_check_enabled = True
            connection.health_check_done = False


def close_all(jid: str, report: Report) -> None:
    """Close the connections that nobody will see any more; errors are reported."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            try:
                connection.close()
            except Exception as error:  # noqa: BLE001 (the job is done, whatever its connection does)
                report(error, {"context": "closing a connection", "jid": jid})


def _forget(connection: Any) -> None:
    """Close *connection* in whatever state it is; the next query on this thread opens another."""
    try:
        connection.close()
    except Exception:  # noqa: BLE001 (that it does not work has been reported)
        connection.connection = None
    del connections[connection.alias]
