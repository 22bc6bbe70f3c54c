"""Running a job here and now, through everything but Redis."""

from __future__ import annotations

from typing import Any

from . import plugin
from .codec import decode, encode
from .config import Codec
from .context import running
from .middleware import ClientContext, ServerContext, fold_by_class
from .payload import Payload
from .registry import JobSpec


def run_inline(
    spec: JobSpec, payload: Payload, codec: Codec, host: plugin.Host = plugin.host
) -> Any:
    """Run *payload* through client middleware, *codec*, and server middleware; return its result.

    None where a layer vetoed. What the job raises is raised: no retry (as Sidekiq's
    ``perform_inline``).
    """
    sent = host.client_middleware.fold(_payload_of)(ClientContext(payload, spec.cls or spec.name))
    if sent is None:
        return None
    received, _ = decode(encode(sent, codec))
    job = spec.make()
    context = ServerContext(received, received["queue"], spec.cls or spec.function, job)
    token = running.set(context)
    try:
        return fold_by_class(host.server_middleware, _perform(spec))(context)
    finally:
        running.reset(token)


def _payload_of(context: ClientContext) -> Payload:
    return context.payload


def _perform(spec: JobSpec) -> Any:
    def perform(context: ServerContext) -> Any:
        return perform_job(spec, context)

    return perform


def perform_job(spec: JobSpec, context: ServerContext) -> Any:
    """Call the job's own code with the arguments of its payload."""
    payload, job = context.payload, context.job
    kwargs = payload.get("kwargs")
    if job is None:
        return (
            spec.function(*payload["args"], **kwargs) if kwargs else spec.function(*payload["args"])
        )
    job._kiq_context = context
    return job.perform(*payload["args"], **kwargs) if kwargs else job.perform(*payload["args"])
