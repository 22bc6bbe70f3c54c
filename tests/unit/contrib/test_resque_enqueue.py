"""Plain classes that are jobs in the manner of Resque, and what is refused with words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

import kiq
from kiq import testing
from kiq.client import settings_in_use
from kiq.codec import decode
from kiq.contrib import resque
from kiq.errors import ConfigError
from tests.helpers.resque_jobs import Foo, MyJob, called


@pytest.fixture(autouse=True)
def _emptied(fake: redis.Redis) -> Iterator[None]:
    called.clear()
    yield
    resque.inline = False
    resque.failure._told.clear()


def payloads(fake: redis.Redis, queue: str) -> list[dict[str, Any]]:
    return [decode(raw)[0] for raw in fake.lrange(f"queue:{queue}", 0, -1)]


def test_the_sample_of_the_books(fake: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    jid = resque.enqueue(MyJob, "Alice", 3)
    (payload,) = payloads(fake, "default")
    assert payload["class"] == "tests.helpers.resque_jobs.MyJob"
    assert (payload["args"], payload["jid"], payload["retry"]) == (["Alice", 3], jid, 0)
    with testing.scoped("fake"):
        resque.enqueue(MyJob, "Alice", 3)
        testing.drain()
    assert capsys.readouterr().out == "Processing Alice 3 times!\n"


def test_a_job_may_go_to_another_queue_and_wait_for_its_time(fake: redis.Redis) -> None:
    resque.enqueue_to("low", Foo, 1)
    assert [each["args"] for each in payloads(fake, "low")] == [[1]]
    resque.enqueue_in(timedelta(minutes=5), Foo, 2)
    resque.enqueue_at(datetime(2040, 1, 1, tzinfo=UTC), Foo, 3)
    resque.enqueue_in_with_queue("low", 60, Foo, 4)
    resque.enqueue_at_with_queue("low", datetime(2041, 1, 1, tzinfo=UTC), Foo, 5)
    waiting = [decode(raw)[0] for raw in fake.zrange("schedule", 0, -1)]
    assert [(each["args"], each["queue"]) for each in waiting] == [
        ([4], "low"),
        ([2], "foo"),
        ([3], "foo"),
        ([5], "low"),
    ]


def test_what_is_past_runs_at_once(fake: redis.Redis) -> None:
    resque.enqueue_at(datetime(2020, 1, 1, tzinfo=UTC), Foo, 1)
    assert fake.llen("queue:foo") == 1


def test_a_class_may_be_called_for_its_queue_and_have_options(fake: redis.Redis) -> None:
    class Choosy:
        retry = 3
        kiq_options = {"time_limit": 60}

        @staticmethod
        def queue() -> str:
            return "chosen"

        @staticmethod
        def retry_in(count: int, error: BaseException, payload: dict[str, Any]) -> int:
            return 7

        @staticmethod
        def perform() -> None: ...

    Choosy.__qualname__ = "Choosy"  # a class in a function has no name that a worker could import
    resque.enqueue(Choosy)
    (payload,) = payloads(fake, "chosen")
    assert (payload["retry"], payload["time_limit"]) == (3, 60)
    assert Choosy._kiq_spec.hook("retry_in") is not None  # type: ignore[attr-defined]


def test_subclasses_are_jobs_of_their_own(fake: redis.Redis) -> None:
    class Sub(Foo):
        queue = "sub"

    Sub.__qualname__ = "Sub"
    resque.enqueue(Foo, 1)
    resque.enqueue(Sub, 2)
    (payload,) = payloads(fake, "sub")
    assert payload["class"].endswith(".Sub")
    with testing.scoped("fake"):
        resque.enqueue(Sub, 2)
        testing.drain()
    assert called == [("perform", "Sub", 2)]


def test_kiqs_own_jobs_go_this_way_too(fake: redis.Redis) -> None:
    @kiq.job(queue="own")
    def mine(number: int) -> None: ...

    mine._kiq_spec.name = "tests.mine"
    assert resque.enqueue_to("other", mine, 1)  # type: ignore[arg-type]
    assert fake.llen("queue:other") == 1


def test_a_class_without_a_queue_is_refused(fake: redis.Redis) -> None:
    class Queueless:
        @staticmethod
        def perform() -> None: ...

    Queueless.__qualname__ = "Queueless"
    with pytest.raises(resque.NoQueueError, match="Queueless names none"):
        resque.enqueue(Queueless)
    assert resque.enqueue_to("low", Queueless)


def test_what_is_no_class_of_jobs_is_refused() -> None:
    class WithSelf:
        queue = "low"

        def perform(self) -> None: ...

    class Nothing:
        queue = "low"

    class Waits:
        queue = "low"

        @staticmethod
        async def perform() -> None: ...

    cases: list[tuple[Any, str]] = [
        (WithSelf, "@staticmethod above it"),
        (Nothing, "has no perform"),
        (Waits, "is async"),
        ("MyJob", "kiq.push"),
        (None, "a class with a queue"),
    ]
    for job, message in cases:
        with pytest.raises(ConfigError, match=message):
            resque.enqueue(job)


@pytest.mark.parametrize("attribute", ["retry_limit", "retry_exceptions", "lock_timeout"])
def test_attributes_of_plugins_of_resque_say_what_to_write(attribute: str) -> None:
    cls = type("Theirs", (Foo,), {attribute: 3})
    with pytest.raises(ConfigError, match=f"Theirs.{attribute} does nothing in kiq: write"):
        resque.enqueue(cls, 1)


def test_arguments_are_checked_when_they_are_pushed() -> None:
    with pytest.raises(kiq.ArgumentError, match="missing a required argument: 'count'"):
        resque.enqueue(MyJob, "Alice")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("before_first_fork", "startup"),
        ("Job", "enqueue_to"),
        ("pop", "peek"),
        ("Stat", "kiq.api.Stats"),
        ("nothing_known", "has no 'nothing_known'"),
    ],
)
def test_what_resque_has_and_kiq_has_not_says_what_to_write(name: str, instead: str) -> None:
    with pytest.raises(AttributeError, match=instead):
        getattr(resque, name)
    with pytest.raises(AttributeError, match=instead):
        setattr(resque, name, 1)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("other:1234", "redis://other:1234/0"),
        ("other:1234:2", "redis://other:1234/2"),
        ("other:1234/shop", "redis://other:1234/0"),
        ("redis://other:1234/3", "redis://other:1234/3"),
    ],
)
def test_redis_may_be_named_as_resque_does(given: str, url: str) -> None:
    resque.redis = given
    assert settings_in_use().redis.url == url
    assert settings_in_use().redis.namespace == ("shop" if "shop" in given else None)


def test_the_logger_is_configured_and_not_replaced() -> None:
    assert resque.logger.name == "kiq"
    with pytest.raises(ConfigError, match="instead of putting another"):
        resque.logger = None  # type: ignore[assignment]


def test_tests_may_put_something_else_in_place_of_a_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resque, "enqueue", lambda *args: args)
    assert resque.enqueue(MyJob, "a", 1) == (MyJob, "a", 1)


def test_failure_backends_are_told_by_queue_and_one_that_raises_stops_no_other(
    fresh_host: kiq.Host,
) -> None:
    reported: list[str] = []
    fresh_host.on_error(lambda error, where: reported.append(where["context"]))
    saved: list[tuple[str, str]] = []

    class Saves:
        def __init__(self, name: str) -> None:
            self.name = name

        def save(self, failure: resque.failure.Failure) -> None:
            saved.append((self.name, failure.queue))
            if self.name == "broken":
                raise OSError("no network")

    every = resque.failure.add(Saves("broken"))
    resque.failure.add(Saves("mail"), queues=["email"])
    resque.failure.add(Saves("every"))
    resque.failure.tell({"queue": "email"}, ValueError("x"))
    resque.failure.tell({"queue": "low"}, ValueError("x"))
    assert saved == [
        *(("broken", "email"), ("mail", "email"), ("every", "email")),
        *(("broken", "low"), ("every", "low")),
    ]
    assert len(reported) == 2
    assert reported[0].endswith("Saves")
    resque.failure.remove_backend(every)
    assert len(resque.failure.backends()) == 2
    with pytest.raises(ConfigError, match="an object with save"):
        resque.failure.add(Saves)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"\['email'\]"):
        resque.failure.add(Saves("x"), queues="email")


def test_the_functions_of_one_run_are_gone_with_its_registry() -> None:
    """A second test with a registry of its own enqueues the same class."""
    with testing.scoped("fake"):
        resque.enqueue(Foo, 9)
        testing.drain()
    assert called == [("perform", "Foo", 9)]
