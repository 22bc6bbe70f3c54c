"""Running one job of a test: what a worker does with it, but for Redis and retries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ..clock import wall
from ..codec import decode
from ..context import running
from ..inline import a_loop_runs_here, perform_job
from ..middleware import Chain, ServerContext, fold_by_class
from ..payload import moment
from ..plugins.after_commit import leave_blocks
from ..plugins.batches import dropped_with_batch, leave_batches, left_batch, runs_in_batch
from ..plugins.expiry import late_by
from ..plugins.limits import limits_of, rehearsed
from ..plugins.results import Memory
from ..registry import JobSpec, registry
from ..undone import check_done
from .box import PushedJob

#: The server middleware of tests: around each job that inline mode, ``perform_one`` or ``drain`` runs.
#: Empty at first, as in Sidekiq: a test says which of the application's layers it wants.
server_middleware: Chain[ServerContext] = Chain()


def perform(job: PushedJob, keep: Memory) -> Any:
    """Run *job*, and return what its ``perform`` returns. Raises what it raises, and RateLimited; no retry.

    *keep* has what it came to, if its result is wanted.

    In a copy of the context: a job that pushes does so in the mode of the test, and what it sets
    does not leak. Where an event loop runs on this thread, on another one, as a worker would: a job
    may begin a loop of its own. Raises UnknownJobClass.
    """
    if late_by(job.payload) is not None:
        left_batch(job.payload, "skipped")
        keep.dropped(job.payload, "it has expired")
        return None  # a worker drops it, too
    if dropped_with_batch(job.payload):
        keep.dropped(job.payload, "its batch was cancelled")
        return None
    for held in limits_of(job.payload):
        rehearsed(held.name)
    spec = registry.get(job.class_name)
    payload, _ = decode(job.raw)  # once more: neither run nor test changes what the other sees
    if job.at is not None:
        payload["enqueued_at"] = moment(payload, wall(), False)
    context = ServerContext(payload, job.queue, spec.target, spec.make())
    with keep.running(job.payload, context) as kept:
        result = _perform(spec, context)
        kept(result)
        return result


def _perform(spec: JobSpec, context: ServerContext) -> Any:
    run = copy_context().run
    if not a_loop_runs_here():
        return run(_perform_in_context, spec, context)
    with ThreadPoolExecutor(1, "kiq-testing") as threads:
        return threads.submit(run, _perform_in_context, spec, context).result()


def _perform_in_context(spec: JobSpec, context: ServerContext) -> Any:
    leave_blocks()  # a test drains inside its own; a worker is in none
    leave_batches()

    def perform(inner: ServerContext) -> Any:
        return perform_job(spec, inner)

    layers = fold_by_class(server_middleware, perform, running.set)
    with runs_in_batch(context.payload):
        return check_done(layers(context), "a layer of server middleware")
