"""Database connections between jobs: as between requests, and looked at before they are used."""

from __future__ import annotations

from typing import Any

from django.db import connections, reset_queries

from ...middleware import Next, ServerContext
from ...plugin import Host
from ..threads import has_its_thread


class Connections:
    """The plugin ``django``: closes connections that are old or broken before and after each job.

    ``CONN_MAX_AGE`` says what is old. One that is kept is tried before its first query in a job, as
    with ``CONN_HEALTH_CHECKS``: the database may have closed it meanwhile. Jobs that run here and now
    (``perform_inline``) share the connections of their caller, and are left alone.
    """

    cleans_up = True
    name = "django"

    def install(self, host: Host) -> None:
        """Attach to *host*, outside of what other middleware does with the database."""
        self._host = host
        host.server_middleware.prepend(self)

    def applies_to(self, job_class: Any) -> bool:
        """Return whether jobs of this class have a thread of their own."""
        return has_its_thread(job_class)

    def __call__(self, run: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job; an error in what is done around it is reported, and fails no job."""
        if not run.in_worker:
            return call_next(run)
        self._freshen(run)
        try:
            return call_next(run)
        finally:
            self._freshen(run)

    def _freshen(self, run: ServerContext) -> None:
        reset_queries()
        for connection in connections.all(initialized_only=True):
            try:
                if connection.in_atomic_block:
                    raise RuntimeError(
                        f"a job left a transaction open on the database {connection.alias!r}: it is "
                        "rolled back; use `with transaction.atomic()`"
                    )
                connection.close_if_unusable_or_obsolete()
                connection.health_check_enabled = True
            except Exception as error:  # noqa: BLE001 (the job is done, whatever its connection does)
                self._host.report(error, {"context": "closing a connection", "jid": run.jid})
                _forget(connection)


def _forget(connection: Any) -> None:
    """Close *connection* in whatever state it is; the next query on this thread opens another."""
    try:
        connection.close()
    except Exception:  # noqa: BLE001 (that it does not work has been reported)
        connection.connection = None
    del connections[connection.alias]
