"""Hooks in the manner of Resque: when each is called, and what is done with what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

import kiq
from kiq import testing
from kiq.codec import decode
from kiq.contrib import resque
from kiq.errors import ConfigError
from tests.helpers.resque_jobs import Hooked, MyJob, called, plan


@pytest.fixture(autouse=True)
def _nothing_called(fake: redis.Redis) -> Iterator[None]:
    called.clear()
    plan.clear()
    yield
    resque.inline = False


def names() -> list[str]:
    return [each[0] for each in called]


RUN = [
    "before_perform",
    "around_perform begins",
    "around_perform_z begins",
    "perform",
    "around_perform_z ends",
    "around_perform ends",
    "after_perform",
]


def ran(**options: Any) -> list[str]:
    """Run a job as a worker does; return what was called."""
    with testing.scoped("fake"):
        resque.enqueue(Hooked, 7)
        called.clear()
        testing.perform_one(Hooked)
    return names()


def test_enqueue_asks_first_and_tells_afterwards(fake: redis.Redis) -> None:
    jid = resque.enqueue(Hooked, 7)
    assert called == [("before_enqueue", 7), ("before_enqueue_b", 7), ("after_enqueue", 7)]
    (raw,) = fake.lrange("queue:hooked", 0, -1)
    assert decode(raw)[0]["jid"] == jid


@pytest.mark.parametrize("hook", ["before_enqueue", "before_enqueue_b"])
def test_a_hook_that_says_no_lets_nothing_be_enqueued(hook: str, fake: redis.Redis) -> None:
    plan.add(f"{hook} says no")
    assert resque.enqueue(Hooked, 7) is None
    assert not fake.keys("queue:*")
    assert "after_enqueue" not in names()


def test_what_a_hook_of_enqueue_raises_its_caller_gets(fake: redis.Redis) -> None:
    plan.add("after_enqueue raises")
    with pytest.raises(RuntimeError):
        resque.enqueue(Hooked, 7)
    assert fake.llen("queue:hooked") == 1  # it is in the queue all the same
    plan.add("before_enqueue raises")
    with pytest.raises(RuntimeError):
        resque.enqueue(Hooked, 8)
    assert fake.llen("queue:hooked") == 1


def test_schedule_has_hooks_of_its_own(fake: redis.Redis) -> None:
    assert resque.enqueue_in(60, Hooked, 7)
    assert names() == ["before_schedule", "after_schedule"]
    plan.add("before_schedule says no")
    assert resque.enqueue_in(60, Hooked, 8) is None
    assert fake.zcard("schedule") == 1


def test_a_run_has_its_hooks_around_it_in_order_of_their_names() -> None:
    assert ran() == RUN


def test_dont_perform_leaves_the_job_out_and_is_no_failure() -> None:
    plan.add("don't perform")
    assert ran() == []


def test_a_hook_around_that_does_not_yield_leaves_the_job_out() -> None:
    plan.add("don't yield")
    assert ran() == ["before_perform", "around_perform begins", "after_perform"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("before_perform", RUN[:1]),
        ("around_perform begins", RUN[:2]),
        ("perform", RUN[:4]),
        ("around_perform_z ends", RUN[:5]),
        ("after_perform", RUN),
    ],
)
def test_whatever_raises_fails_the_job_and_is_told_once(place: str, expected: list[str]) -> None:
    plan.add(f"{place} raises")
    with pytest.raises(RuntimeError, match=place):
        ran()
    assert names() == [*expected, "on_failure", "on_failure_mail"]
    assert called[-1] == ("on_failure_mail", place, 7)


def test_an_error_that_a_hook_around_takes_for_its_own_is_no_failure() -> None:
    plan.update({"perform raises", "swallow"})
    assert ran() == RUN


def test_a_hook_of_failures_that_raises_is_reported_and_the_next_is_called(
    fresh_host: kiq.Host,
) -> None:
    reported: list[tuple[str, str]] = []
    fresh_host.on_error(lambda error, where: reported.append((str(error), where["context"])))
    plan.update({"perform raises", "on_failure raises"})
    with pytest.raises(RuntimeError, match="perform"):
        ran()
    assert names()[-2:] == ["on_failure", "on_failure_mail"]
    assert reported == [("on_failure", "the hook Hooked.on_failure")]


@pytest.mark.parametrize("signal", [kiq.Retry(5), kiq.Snooze(5), kiq.Discard(), kiq.Kill()])
def test_what_a_job_asks_for_is_no_failure(
    signal: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def perform(number: int) -> None:
        raise signal

    monkeypatch.setattr(Hooked, "perform", staticmethod(perform))
    resque.inline = True
    with pytest.raises(type(signal)):
        resque.enqueue(Hooked, 7)
    assert "before_perform" in names()
    assert "on_failure" not in names()


def test_inline_runs_the_job_with_all_its_hooks(
    fake: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    resque.inline = True
    assert resque.inline is True
    jid = resque.enqueue(Hooked, 7)
    assert isinstance(jid, str)
    assert len(jid) == 24
    assert names() == ["before_enqueue", "before_enqueue_b", *RUN, "after_enqueue"]
    called.clear()
    resque.enqueue_in(60, Hooked, 7)
    assert names() == ["before_schedule", *RUN, "after_schedule"]
    resque.enqueue(MyJob, "Alice", 3)
    assert capsys.readouterr().out == "Processing Alice 3 times!\n"
    assert not fake.keys("*")


def test_inline_raises_what_the_job_raises_and_tells_its_hooks() -> None:
    resque.inline = True
    plan.add("perform raises")
    with pytest.raises(RuntimeError, match="perform"):
        resque.enqueue(Hooked, 7)
    assert names().count("on_failure") == 1
    assert "after_enqueue" not in names()


def test_arguments_make_the_round_trip_when_it_is_inline() -> None:
    resque.inline = True
    with pytest.raises(kiq.ArgumentError):
        resque.enqueue(MyJob, object(), 3)  # type: ignore[arg-type]


def test_inline_is_a_switch() -> None:
    with pytest.raises(ConfigError, match="True or False"):
        resque.inline = "yes"  # type: ignore[assignment]


def test_a_hook_around_may_be_a_context_manager() -> None:
    class Managed:
        queue = "low"

        @staticmethod
        @contextmanager
        def around_perform(number: int) -> Iterator[None]:
            called.append(("enters", number))
            yield
            called.append(("leaves", number))

        @staticmethod
        def perform(number: int) -> None:
            called.append(("perform", number))

    resque.inline = True
    resque.enqueue(Managed, 1)
    assert names() == ["enters", "perform", "leaves"]


def test_hooks_that_could_not_be_called_are_refused() -> None:
    class WithSelf:
        queue = "low"

        def before_perform(self, number: int) -> None: ...

        @staticmethod
        def perform(number: int) -> None: ...

    class Yields:
        queue = "low"

        @staticmethod
        def before_perform(number: int) -> Iterator[None]:
            yield

        @staticmethod
        def perform(number: int) -> None: ...

    class NoYield:
        queue = "low"

        @staticmethod
        def around_perform(number: int) -> None: ...

        @staticmethod
        def perform(number: int) -> None: ...

    for cls, message in ((WithSelf, "takes self"), (Yields, "generator")):
        with pytest.raises(ConfigError, match=message):
            resque.enqueue(cls, 1)
    resque.inline = True
    with pytest.raises(ConfigError, match="must have a `yield`"):
        resque.enqueue(NoYield, 1)
