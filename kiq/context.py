"""The job that runs on this thread."""

from __future__ import annotations

from contextvars import ContextVar

from .middleware import ServerContext

#: Set by the executor for the time of a run, in a context of that run alone.
running: ContextVar[ServerContext | None] = ContextVar("kiq_running", default=None)


def current_job() -> ServerContext | None:
    """Return the job that runs here (jid, queue, payload, instance), or None outside a job."""
    return running.get()
