"""Middleware, events, plugins, services, and the job that runs here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

import kiq
from kiq.plugin import Service


@kiq.host.around_push
def stamp(context: kiq.ClientContext, call_next: Callable[[kiq.ClientContext], Any]) -> Any:
    assert_type(context.queue, str)
    assert_type(context.promoting, bool)
    context.payload["locale"] = "de"
    return call_next(context)


@kiq.host.around_perform
def time_it(context: kiq.ServerContext, call_next: Callable[[kiq.ServerContext], object]) -> object:
    assert_type(context.jid, str)
    assert_type(context.interrupted, bool)
    return call_next(context)


class Named:
    """A layer may be an object, and say whose runs concern it."""

    payload_field = "locale"

    def __call__(self, context: kiq.ServerContext, call_next: Any) -> Any:
        return call_next(context)

    def applies_to(self, job_class: Any) -> bool:
        return hasattr(job_class, "locale")


kiq.host.around_perform(Named(), before=time_it)
kiq.host.server_middleware.remove("Named")


@kiq.host.on("startup")
def begin() -> None: ...


@kiq.host.on_error
def report(error: BaseException, context: dict[str, Any]) -> None: ...


@kiq.host.on_death
def mourn(payload: dict[str, Any], error: BaseException) -> None: ...


class Sampler:
    def start(self) -> None: ...

    def stop(self) -> None: ...


def sampler(worker: Any) -> Service:
    return Sampler()


class Tracing:
    name = "tracing"

    def install(self, host: kiq.Host) -> None:
        host.around_perform(time_it)
        host.services.append(sampler)


plugin: kiq.Plugin = Tracing()
kiq.host.install(plugin)
kiq.host.install(Tracing())

job = kiq.current_job()
assert_type(job, kiq.ServerContext | None)
if job is not None:
    assert_type(job.payload, dict[str, Any])
    assert_type(job.queue, str)
