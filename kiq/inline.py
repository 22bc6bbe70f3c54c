"""Running a job here and now, through everything but Redis."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from . import interruption, plugin
from .codec import decode, encode
from .config import Codec
from .context import running, worker_here
from .errors import ConfigError
from .middleware import ClientContext, ServerContext, fold_by_class
from .payload import Payload
from .registry import JobSpec
from .undone import check_done


def _wait(coroutine: Any) -> Any:
    # By name: the house imports no wing, and who has no async jobs does without.
    return importlib.import_module("kiq.aio").run_here(coroutine)


#: How to wait for the coroutine of an async job.
waiter: ContextVar[Callable[[Any], Any]] = ContextVar("kiq_waiter", default=_wait)


def run_inline(
    spec: JobSpec, payload: Payload, codec: Codec, host: plugin.Host = plugin.host
) -> Any:
    """Run *payload* through client middleware, *codec*, and server middleware; return its result.

    None where a layer vetoed. What the job raises is raised: no retry (as Sidekiq's
    ``perform_inline``).
    """
    if interruption.due:
        interruption.arrive()
    sent = host.push_layers.passed(ClientContext(payload, spec.cls or spec.name))
    if sent is None:
        return None
    received, _ = decode(encode(sent, codec))
    job = spec.make()
    context = ServerContext(received, received["queue"], spec.cls or spec.function, job)
    context.worker = worker_here()
    token = running.set(context)
    try:
        layers = fold_by_class(host.server_middleware, _perform(spec), running.set)
        return check_done(layers(context), "a layer of server middleware")
    finally:
        running.reset(token)


def _perform(spec: JobSpec) -> Any:
    def perform(context: ServerContext) -> Any:
        return perform_job(spec, context)

    return perform


def perform_job(spec: JobSpec, context: ServerContext) -> Any:
    """Run the job's own code with the arguments of its payload, to its end.

    A coroutine runs on the one event loop of such jobs, or on that of
    ``await HardWorker.aio.perform_inline()``.
    Raises ConfigError where this thread runs one already, and would wait for itself.
    """
    if not spec.is_async:
        return check_done(begin_job(spec, context), spec.label)
    if a_loop_runs_here():
        raise ConfigError(
            f"{spec.name} is async, and an event loop runs on this thread: "
            f"write await {spec.name.rpartition('.')[2]}.aio.perform_inline(...)"
        )
    return check_done(waiter.get()(begin_job(spec, context)), spec.label)


def a_loop_runs_here() -> bool:
    """Tell whether an event loop runs on this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def begin_job(spec: JobSpec, context: ServerContext) -> Any:
    """Call the job's own code with the arguments of its payload; of an async one, get the coroutine."""
    payload, job = context.payload, context.job
    kwargs = payload.get("kwargs")
    if job is None:
        return (
            spec.function(*payload["args"], **kwargs) if kwargs else spec.function(*payload["args"])
        )
    object.__setattr__(job, "_kiq_context", context)  # a frozen dataclass takes it so
    return job.perform(*payload["args"], **kwargs) if kwargs else job.perform(*payload["args"])
