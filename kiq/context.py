"""The job that runs on this thread."""

from __future__ import annotations

from contextvars import ContextVar

from . import worker_state
from .middleware import ServerContext

#: Set by the executor for the time of a run, in a context of that run alone.
running: ContextVar[ServerContext | None] = ContextVar("kiq_running", default=None)


def current_job() -> ServerContext | None:
    """Return the job that runs here (jid, queue, payload, instance), or None outside a job."""
    return running.get()


def worker_here() -> worker_state.WorkerState | None:
    """Return the worker whose job runs here; outside of a job, the one of this process, if it is one."""
    job, workers = running.get(), worker_state.running
    if job is not None and job.worker is not None:
        return job.worker
    return workers[0] if len(workers) == 1 else None
