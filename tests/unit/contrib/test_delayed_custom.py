"""Custom jobs: what is pushed, their hooks in order, and what a class says of its jobs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import kiq
from kiq import testing
from kiq.client import use_settings
from kiq.codec import decode
from kiq.contrib import delayed
from kiq.contrib.delayed import custom, enqueue
from kiq.contrib.delayed.plugin import DelayedJobs
from kiq.errors import ArgumentError, ConfigError
from kiq.registry import Registry, registry
from tests.helpers import delayed_jobs
from tests.helpers.delayed_jobs import (
    HelloEmailJob,
    HookedJob,
    KeyedJob,
    Money,
    NewsletterJob,
    Stray,
    User,
    called,
    names,
    plan,
)

HERE = "tests.helpers.delayed_jobs"


@pytest.fixture(autouse=True)
def _emptied(unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[None]:
    called.clear()
    plan.clear()
    with testing.scoped("fake"):
        yield
    delayed.worker.reset()


def hook(name: str, spec: str = "HookedJob") -> Any:
    return registry.get(f"{HERE}.{spec}").hook(name)


def test_the_fields_travel_and_the_object_is_made_again() -> None:
    job = enqueue(NewsletterJob("lorem", ["a@x", "b@x"]))
    (pushed,) = testing.jobs()
    assert (pushed.class_name, pushed.args) == (f"{HERE}.NewsletterJob", [])
    assert pushed.kwargs == {"text": "lorem", "emails": ["a@x", "b@x"]}
    assert job is not None
    assert job.jid == pushed.jid
    assert job.handler == f"{HERE}.NewsletterJob(text='lorem', emails=['a@x', 'b@x'])"
    assert testing.perform_one() == 2
    assert called == [("perform", "lorem", ["a@x", "b@x"])]


def test_objects_in_fields_are_references() -> None:
    enqueue(HelloEmailJob(User(7, "Ann")))
    assert testing.jobs()[0].kwargs == {"user": {"$ref": f"{HERE}.User", "id": 7}}
    testing.drain()
    assert called == [("hello", "Ann")]


def test_a_job_may_have_a_key_of_its_own() -> None:
    enqueue(KeyedJob("k"))
    assert testing.jobs()[0].args == ["k"]
    last = delayed.last()
    assert last is not None
    assert last.payload_object.key == "k"
    testing.drain()
    assert called == [("keyed", "k")]


def test_equal_jobs_are_equal() -> None:
    enqueue(NewsletterJob("lorem"))
    last = delayed.last()
    assert last is not None
    assert last.payload_object == NewsletterJob("lorem")
    assert (delayed.count(), delayed.first().jid) == (1, last.jid)  # type: ignore[union-attr]
    testing.drain()
    assert (delayed.count(), delayed.last(), delayed.first()) == (0, None, None)


def test_time_priority_and_queue() -> None:
    when = datetime(2040, 1, 1, tzinfo=UTC)
    enqueue(NewsletterJob("x"), run_at=when, priority=9, queue="news", tags=["y"])
    (pushed,) = testing.jobs()
    assert (pushed.at, pushed.queue, pushed.band) == (when.timestamp(), "news", "low")
    assert pushed.payload["tags"] == ["y"]


def test_hooks_of_a_job_that_ends_well() -> None:
    enqueue(HookedJob(1))
    assert called == [("enqueue", "", "hooked")]
    testing.drain()
    assert called[1:] == [("before", 0), ("perform", 1), ("success", "HookedJob"), ("after",)]


@pytest.mark.parametrize(
    ("raises", "order"),
    [
        ("before", ["before", "error", "after"]),
        ("perform", ["before", "perform", "error", "after"]),
        ("success", ["before", "perform", "success", "error", "after"]),
        ("after", ["before", "perform", "success", "after"]),
    ],
)
def test_hooks_of_a_job_that_fails(raises: str, order: list[str]) -> None:
    enqueue(HookedJob(1))
    called.clear()
    plan[raises] = lambda: RuntimeError(f"{raises} broke")
    with pytest.raises(RuntimeError, match=f"{raises} broke"):
        testing.perform_one()
    assert names() == order


def test_a_hook_that_raises_beside_a_failure_is_reported(fresh_host: kiq.Host) -> None:
    told: list[tuple[str, str]] = []
    fresh_host.on_error(lambda error, context: told.append((str(error), context["context"])))
    plan.update(
        perform=lambda: RuntimeError("broke"),
        error=lambda: ValueError("error too"),
        after=lambda: SystemExit("after too"),
    )
    enqueue(HookedJob(1))
    with pytest.raises(RuntimeError, match="broke"):
        testing.perform_one()
    assert told == [
        ("error too", "the hook HookedJob.error"),
        ("after too", "the hook HookedJob.after"),
    ]


@pytest.mark.parametrize(
    "asks", [kiq.Retry(1), kiq.Snooze(1), kiq.Discard(), kiq.Kill(), kiq.Cancelled()]
)
def test_what_a_job_asks_for_is_no_failure(asks: BaseException) -> None:
    plan["perform"] = lambda: asks
    enqueue(HookedJob(1))
    called.clear()
    with pytest.raises(type(asks)):
        testing.perform_one()
    assert names() == ["before", "perform", "after"]


def test_the_hook_enqueue_may_change_the_job() -> None:
    enqueue(HookedJob(7))
    (pushed,) = testing.jobs()
    assert (pushed.queue, pushed.payload["priority"], pushed.band) == ("seven", -7, "high")


def test_what_a_class_says_of_its_jobs() -> None:
    enqueue(HookedJob(10))
    enqueue(HookedJob(600))
    enqueue(HookedJob(1), queue="other", retry=9)
    found = [each.payload for each in testing.jobs()]
    assert [each["queue"] for each in found] == ["hooked", "hooked", "other"]
    assert [each["retry"] for each in found] == [2, 2, 9]
    # It can only lower the worker's own.
    assert [each["time_limit"] for each in found] == [600, 4 * 3600, 60]


def test_the_next_attempt_is_when_the_class_says_or_as_in_delayed_job() -> None:
    enqueue(HookedJob(1))
    enqueue(NewsletterJob("x"))
    hooked, usual = [each.payload for each in testing.jobs()]
    error = RuntimeError()
    assert [hook("retry_in")(count, error, hooked) for count in (0, 2)] == [
        pytest.approx(60, abs=1),
        pytest.approx(180, abs=1),
    ]
    retry_in = hook("retry_in", "NewsletterJob")
    assert [retry_in(count, error, usual) for count in (0, 1, 2)] == [6, 21, 86]


def test_failure_is_told_when_no_attempt_is_left() -> None:
    enqueue(HookedJob(5))
    payload = {**testing.jobs()[0].payload, "retry_count": 2}
    called.clear()
    assert hook("retries_exhausted")(payload, RuntimeError()) is None
    assert called == [("failure", 3, 5)]
    plan["failure"] = lambda: RuntimeError("broke")
    assert hook("retries_exhausted")(payload, RuntimeError()) is None


def test_failed_jobs_are_destroyed_where_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue(NewsletterJob("x"))
    enqueue(HookedJob(1))
    enqueue(HelloEmailJob(User(9)))
    delayed.delay(User(9)).activate()
    news, hooked, gone, method = [each.payload for each in testing.jobs()]
    error = RuntimeError()
    delayed.worker.destroy_failed_jobs = True
    exhausted = hook("retries_exhausted", "NewsletterJob")
    assert exhausted(news, error) is kiq.Discard
    assert exhausted(news, kiq.Kill()) is None  # it asked for the dead set
    assert hook("retries_exhausted")(hooked, error) is None  # the class says otherwise
    User.there.clear()
    assert hook("retries_exhausted", "HelloEmailJob")(gone, error) is kiq.Discard
    assert hook("retries_exhausted", "User.activate")(method, error) is kiq.Discard
    delayed.worker.destroy_failed_jobs = False
    monkeypatch.setattr(HookedJob, "destroy_failed_jobs", lambda self: True)
    assert hook("retries_exhausted")(hooked, error) is kiq.Discard


def test_here_and_now_its_hooks_run_as_well() -> None:
    delayed.worker.delay_jobs = False
    job = enqueue(HookedJob(1))
    assert names() == ["enqueue", "before", "perform", "success", "after"]
    assert job is not None
    assert job.jid
    plan["perform"] = lambda: RuntimeError("broke")
    called.clear()
    with pytest.raises(RuntimeError):
        enqueue(HookedJob(1))
    assert names() == ["enqueue", "before", "perform", "error", "after"]


def test_work_off_counts() -> None:
    for number in range(3):
        enqueue(NewsletterJob(str(number)))
    enqueue(NewsletterJob("later"), run_at=timedelta(hours=1))
    assert delayed.work_off() == (3, 0)
    assert delayed.count() == 1
    plan["perform"] = lambda: RuntimeError()
    enqueue(NewsletterJob("x"))
    enqueue(NewsletterJob("y"))
    assert delayed.work_off() == (0, 2)
    with testing.scoped("disabled"), pytest.raises(delayed.NotDelayable, match="for tests"):
        delayed.work_off()


def test_what_could_not_run_is_refused_with_words() -> None:
    for wrong, said in (
        (Stray(1), "has no perform"),
        (User(1), "has no perform"),
        (3, "has no perform"),
        (_plain(), "write @dataclass above it"),
        (_wants(), "must take no arguments"),
        (_async(), "async def"),
        (_hooked_wrong(), "can't be called: write def error"),
        (_of_kiq(), "perform_async"),
    ):
        with pytest.raises(ConfigError, match=said):
            enqueue(wrong)
    with pytest.raises(ArgumentError, match="text"):
        enqueue(NewsletterJob(object()))  # type: ignore[arg-type]
    with pytest.raises(delayed.NotDelayable, match="Stray was not opted in"):
        enqueue(HelloEmailJob(Stray(1)))  # type: ignore[arg-type]


def _plain() -> object:
    class Plain:
        def perform(self) -> None: ...

    return Plain()


def _wants() -> object:
    @dataclass
    class Wants:
        def perform(self, more: int) -> None: ...

    return Wants()


def _async() -> object:
    @dataclass
    class Async:
        async def perform(self) -> None: ...

    return Async()


def _hooked_wrong() -> object:
    @dataclass
    class Wrong:
        def perform(self) -> None: ...

        def error(self, job: object, exception: object, more: object) -> None: ...

    return Wrong()


def _of_kiq() -> object:
    class OfKiq(kiq.Job):
        def perform(self) -> None: ...

    return OfKiq()


def test_bad_words_of_a_class_are_refused_at_the_push(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("max_attempts", 0), ("max_run_time", "4h"), ("queue_name", 5)):
        with monkeypatch.context() as patch:
            patch.setattr(HookedJob, name, value)
            with pytest.raises(ConfigError):
                enqueue(HookedJob(1))
    assert testing.jobs() == []


def test_a_worker_finds_custom_jobs_by_their_form(
    monkeypatch: pytest.MonkeyPatch, fresh_host: kiq.Host
) -> None:
    use_settings({"require": (HERE,)})
    monkeypatch.setattr(custom, "_by_class", {})
    monkeypatch.setattr(registry, "_specs", {})
    fresh_host.install(DelayedJobs())
    found = {spec.name.rpartition(".")[2] for spec in registry.all()}
    assert found == {"NewsletterJob", "HelloEmailJob", "HookedJob"}
    assert not custom.is_one(Money)
    assert sys.modules[HERE] is delayed_jobs


def test_failure_is_told_of_a_job_whose_process_died_each_time(fresh_host: kiq.Host) -> None:
    enqueue(HookedJob(4))
    payload = testing.jobs()[0].payload
    fresh_host.install(DelayedJobs())
    called.clear()
    fresh_host.tell_death(payload, RuntimeError())
    assert called == []  # its own hook hears of that
    fresh_host.tell_death({**payload, "error_class": "kiq.PoisonPill"}, RuntimeError())
    assert called == [("failure", 0, 4)]


def test_a_job_says_what_became_of_it() -> None:
    enqueue(HookedJob(4))
    payload = decode(testing.jobs()[0].raw)[0]
    failed = {
        "retry_count": 1,
        "failed_at": payload["created_at"],
        "error_class": "ValueError",
        "error_message": "no",
    }
    job = delayed.Job({**payload, **failed})
    assert (job.attempts, job.max_attempts, job.last_error) == (2, 3, "ValueError: no")
    assert job.failed_at == job.created_at
    assert job.created_at is not None
    assert job.created_at.tzinfo is UTC
    assert (job.id, job.payload_object) == (payload["jid"], None)
    assert repr(job) == f"<Job {HERE}.HookedJob jid={job.jid} queue=hooked priority=0>"
