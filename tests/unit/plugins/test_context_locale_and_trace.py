"""The locale and the trace travel in fields of their own, and what looks wrong does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
import redis

import kiq
from kiq.middleware import ClientContext
from kiq.plugins.context import warned
from tests.helpers.stored import in_queue
from tests.unit.plugins.test_context_variables import run

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

locale: ContextVar[str] = ContextVar("locale", default="en")
trace: ContextVar[str | None] = ContextVar("trace", default=None)
seen: list[Any] = []


@contextmanager
def switched(to: str) -> Iterator[None]:
    token = locale.set(to)
    try:
        yield
    finally:
        locale.reset(token)


@pytest.fixture
def look(fake: redis.Redis) -> Any:
    warned.forget()
    seen.clear()

    @kiq.job(name="context.look")
    def look(*_: Any) -> None:
        job = kiq.current_job()
        assert job is not None
        seen.append((locale.get(), job.payload.get("traceparent")))

    return look


def test_a_job_runs_in_the_locale_of_its_push(look: Any, fake: redis.Redis) -> None:
    kiq.carry_locale(locale.get, switched)
    with switched("pt-BR"):
        look.perform_async()
    (payload,) = in_queue(fake)
    assert payload["locale"] == "pt-BR"
    run(**payload)
    run()
    assert [each[0] for each in seen] == ["pt-BR", "en"]


def test_an_inline_run_gives_the_locale_back(look: Any) -> None:
    kiq.carry_locale(locale.get, switched)
    with switched("de"):
        look.perform_inline()
        assert locale.get() == "de"
    assert [each[0] for each in seen] == ["de"]


def test_a_promotion_does_not_bring_the_locale_of_the_poller(look: Any) -> None:
    kiq.carry_locale(locale.get, switched)
    payload = {"class": "context.look", "args": [], "queue": "default"}
    layers = kiq.host.client_middleware.fold(lambda context: context.payload)
    with switched("de"):
        assert layers(ClientContext(dict(payload), None, promoting=True)) == payload


@pytest.mark.parametrize("hostile", ["../../etc", "de\n", "", "x" * 200, 7, None, ["de"], "de/x"])
def test_what_is_no_locale_is_ignored(look: Any, hostile: Any) -> None:
    kiq.carry_locale(locale.get, switched)
    run(locale=hostile)
    assert [each[0] for each in seen] == ["en"]


def test_a_trace_is_carried_and_the_jobs_own_pushes_carry_on(look: Any, fake: redis.Redis) -> None:
    kiq.carry_trace(trace.get)

    @kiq.job(name="context.outer")
    def outer() -> None:
        look.perform_async()

    token = trace.set(TRACE)
    outer.perform_async()
    trace.reset(token)
    run(**in_queue(fake)[0])
    fake.ltrim("queue:default", 0, 0)  # the newest
    (inner,) = in_queue(fake)
    assert inner["class"] == "context.look"
    assert inner["traceparent"] == TRACE
    run(**inner)
    assert seen == [("en", TRACE)]


def test_a_newer_trace_wins_over_that_of_the_running_job(look: Any, fake: redis.Redis) -> None:
    kiq.carry_trace(trace.get)
    newer = TRACE.replace("b7ad", "aaaa")

    @kiq.job(name="context.outer")
    def outer() -> None:
        trace.set(newer)
        look.perform_async()

    run(**{"class": "context.outer", "traceparent": TRACE})
    assert in_queue(fake)[0]["traceparent"] == newer


def test_use_gets_the_trace_around_the_run(look: Any) -> None:
    used: list[str] = []

    @contextmanager
    def use(traceparent: str) -> Iterator[None]:
        used.append(f"in {traceparent}")
        yield
        used.append("out")

    kiq.carry_trace(trace.get, use)
    run(traceparent=TRACE)
    run()
    assert used == [f"in {TRACE}", "out"]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "request-7",
        TRACE.upper(),
        "ff" + TRACE[2:],
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
    ],
)
def test_a_trace_of_another_form_is_not_pushed(look: Any, fake: redis.Redis, bad: str) -> None:
    kiq.carry_trace(lambda: bad)
    assert look.perform_async()
    assert "traceparent" not in in_queue(fake)[0]


def test_a_provider_that_fails_harms_no_push(
    look: Any, fake: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError("no tracer")

    kiq.carry_trace(broken)
    assert look.perform_async()
    assert look.perform_async()
    assert len(in_queue(fake)) == 2
    assert caplog.text.count("what gives the traceparent of jobs failed") == 1


def test_the_lines_of_a_run_show_the_trace_id(look: Any) -> None:
    kiq.carry_trace(trace.get)
    (fields,) = kiq.host.log_fields
    assert fields({"traceparent": TRACE}) == {"trace_id": "0af7651916cd43dd8448eb211c80319c"}
    assert fields({"traceparent": "x"}) == fields({"traceparent": 7}) == fields({}) == {}
