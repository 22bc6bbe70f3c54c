"""Jobs in the manner of Resque on a server: queues, failures, hooks of a worker, delayed jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.api import DeadSet, JobRecord, ScheduledSet
from kiq.client import Client
from kiq.config import Capsule
from kiq.contrib import resque
from kiq.contrib.resque import failure
from kiq.errors import ConfigError
from tests.helpers.driven import DrivenWorker
from tests.helpers.resque_jobs import Foo, Hooked, MyJob, called, plan
from tests.helpers.waiting import eventually

LATER = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_called(kiq_client: Client) -> Iterator[None]:
    called.clear()
    plan.clear()
    yield
    failure._told.clear()


@pytest.fixture
def work(redis_url: str, tmp_path: Path) -> Callable[[], DrivenWorker]:
    """Make a worker of the queues of these jobs."""

    def make() -> DrivenWorker:
        kiq.host.install(resque.Resque())
        queues = (("default", 1), ("foo", 1), ("hooked", 1))
        capsule = Capsule(queues=queues, concurrency=2)
        return DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host)

    return make


def names() -> list[str]:
    return [each[0] for each in called]


def processed() -> bool:
    return resque.info()["processed"] > 0


def args(jobs: Any) -> list[list[Any]]:
    return [job.args for job in jobs]


def test_queues_are_looked_at_as_resque_does() -> None:
    assert (resque.queues(), resque.size("foo"), resque.peek("foo")) == ([], 0, None)
    for number in range(3):
        resque.enqueue(Foo, number)
    resque.enqueue(MyJob, "Alice", 3)
    assert resque.queues() == ["default", "foo"]
    assert resque.queue_sizes() == {"foo": 3, "default": 1}
    found = resque.peek("foo")
    assert isinstance(found, JobRecord)
    assert found.args == [0]  # the one that is next
    assert args(resque.peek("foo", 1, 5)) == [[1], [2]]
    assert resque.peek("foo", 7) is None
    samples = resque.sample_queues(2)
    assert (samples["foo"].size, args(samples["foo"].jobs)) == (3, [[0], [1]])
    with pytest.raises(ConfigError):
        resque.peek("foo", -1)
    assert resque.remove_queue("foo") == 3
    assert resque.queues() == ["default"]


def test_a_class_that_is_not_known_here_is_pushed_by_its_name(raw: redis.Redis) -> None:
    assert resque.push("other", {"class": "shop.jobs.Pack", "args": [1]})
    assert raw.llen("queue:other") == 1


def test_dequeue_takes_out_what_has_just_these_arguments() -> None:
    for number in (1, 2, 1, 3):
        resque.enqueue(Foo, number)
    resque.enqueue_to("foo", MyJob, "Alice", 1)
    assert resque.dequeue(Foo, 1) == 2
    assert resque.dequeue(Foo, 1) == 0
    assert resque.dequeue(Foo) == 2  # without arguments: all of the class
    assert args(resque.peek("foo", 0, 9)) == [["Alice", 1]]


def test_dequeue_has_hooks() -> None:
    resque.enqueue(Hooked, 1)
    called.clear()
    plan.add("before_dequeue says no")
    assert resque.dequeue(Hooked, 1) is None
    assert called == [("before_dequeue", 1)]
    plan.clear()
    assert resque.dequeue(Hooked, 1) == 1
    assert called[1:] == [("before_dequeue", 1), ("after_dequeue", 1)]


def test_info_has_the_numbers_of_the_front_page(
    work: Callable[[], DrivenWorker], redis_url: str
) -> None:
    resque.enqueue(Foo, 1)
    before = resque.info()
    assert (before["pending"], before["processed"], before["queues"]) == (1, 0, 1)
    assert (before["workers"], before["failed"]) == (0, 0)
    assert before["environment"] == "development"
    with work():
        eventually(processed)
        eventually(lambda: resque.info()["workers"] == 1)
        assert [worker.queues for worker in resque.workers()] == [["default", "foo", "hooked"]]
        assert resque.working() == []
    assert resque.info()["pending"] == 0


def test_a_failure_goes_to_the_dead_set_at_once_and_everybody_is_told(
    work: Callable[[], DrivenWorker],
) -> None:
    saved: list[failure.Failure] = []

    class Saves:
        def save(self, found: failure.Failure) -> None:
            saved.append(found)

    failure.add(Saves())
    plan.add("perform raises")
    jid = resque.enqueue(Hooked, 7)
    assert jid is not None
    with work():
        eventually(lambda: failure.count() == 1)
        assert names().count("on_failure") == 1
        (one,) = saved
        assert (str(one.exception), one.queue, one.payload["jid"]) == ("perform", "hooked", jid)
        assert failure.queues() == ["hooked"]
        assert (failure.count("hooked"), failure.count("low")) == (1, 0)
        (entry,) = failure.all(0, 10)
        assert entry.error_message == "perform"
        plan.clear()
        called.clear()  # before: the worker runs it at once
        assert failure.requeue(jid)  # by hand: neither enqueue hooks nor another failure
        eventually(lambda: "after_perform" in names())
        eventually(lambda: failure.count() == 0)
    assert "before_enqueue" not in names()
    assert len(saved) == 1


def test_failures_are_removed_and_requeued_by_jid_by_queue_and_all(raw: redis.Redis) -> None:
    jids = [resque.enqueue_in_with_queue(queue, 60, Foo, n) for n, queue in enumerate("aab")]
    ScheduledSet().kill_all()
    assert (failure.count(), failure.count("a"), failure.queues()) == (3, 2, ["a", "b"])
    with pytest.raises(ConfigError, match="takes a jid"):
        failure.requeue(0)  # type: ignore[arg-type]
    assert jids[0] is not None
    assert failure.remove(jids[0])
    assert not failure.remove(jids[0])
    assert not failure.requeue("0" * 24)
    assert failure.requeue_queue("a") == 1
    assert raw.llen("queue:a") == 1
    assert failure.requeue_all() == 1
    assert raw.llen("queue:b") == 1
    resque.enqueue_in(60, Foo, 9)
    ScheduledSet().kill_all()
    assert failure.clear("other") == 0
    assert failure.clear() == 1
    assert DeadSet().size == 0


def test_a_job_that_is_not_performed_is_done_and_no_failure(
    work: Callable[[], DrivenWorker],
) -> None:
    plan.add("don't perform")
    resque.enqueue(Hooked, 7)
    with work():
        eventually(processed)
    assert "perform" not in names()
    assert (failure.count(), resque.info()["pending"]) == (0, 0)


def test_a_class_whose_process_dies_each_time_hears_of_it(fresh_host: kiq.Host) -> None:
    """Nobody could call the hook while it ran: who gives the job up does."""
    resque.register(Hooked)
    fresh_host.install(resque.Resque())
    payload = {
        "class": f"{Hooked.__module__}.Hooked",
        "args": [7],
        "error_class": "kiq.PoisonPill",
    }
    fresh_host.tell_death(payload, RuntimeError("it was running each time"))
    assert called[0] == ("on_failure", "it was running each time", 7)
    called.clear()
    fresh_host.tell_death({**payload, "error_class": "ValueError"}, ValueError("x"))
    assert called == []  # told when it failed


def test_a_delayed_job_has_its_hook_when_it_is_due(work: Callable[[], DrivenWorker]) -> None:
    resque.enqueue_in(0.2, Hooked, 7)
    called.clear()
    with work():
        eventually(lambda: "after_perform" in names())
    assert names()[0] == "before_delayed_enqueue"
    assert "before_enqueue" not in names()


def test_delayed_jobs_are_found_counted_and_removed_by_their_arguments() -> None:
    for number in (1, 2, 1):
        resque.enqueue_at(LATER, Foo, number)
    resque.enqueue_in(60, Foo, 1)
    resque.enqueue_at_with_queue("low", LATER, Foo, 1)
    assert resque.count_all_scheduled_jobs() == 5
    assert resque.is_delayed(Foo, 2)
    assert not resque.is_delayed(Foo, 3)
    assert not resque.is_delayed(Foo)  # with no arguments is another job
    assert resque.scheduled_at(Foo, 2) == [LATER]
    assert len(resque.scheduled_at(Foo, 1)) == 3
    assert args(resque.delayed_queue_peek()) == [[1]]  # what is due first
    assert len(resque.delayed_queue_peek(2, 9)) == 3
    assert args(resque.find_delayed_selection(lambda given: given[0] > 1)) == [[2]]
    assert resque.find_delayed_selection(lambda given: True, MyJob) == []
    assert len(resque.search_delayed("low")) == 1
    assert resque.remove_delayed_job_from_timestamp(LATER, Foo, 1) == 2
    assert resque.remove_delayed_in_queue("low", Foo, 1) == 1
    assert resque.remove_delayed(Foo, 1) == 1
    assert resque.remove_delayed_selection(lambda given: given == [2], Foo) == 1
    assert resque.count_all_scheduled_jobs() == 0
    resque.enqueue_in(60, Foo, 1)
    assert resque.reset_delayed_queue() == 1
    with pytest.raises(ConfigError, match="lambda args"):
        resque.remove_delayed_selection("x")  # type: ignore[arg-type]


def test_delayed_jobs_are_enqueued_now() -> None:
    for number in (1, 2, 3, 1):
        resque.enqueue_at(LATER, Foo, number)
    assert resque.enqueue_delayed(Foo, 1) == 2
    assert resque.enqueue_delayed_selection(lambda given: given[0] == 3) == 1
    assert resque.size("foo") == 3
    assert resque.count_all_scheduled_jobs() == 1


def test_a_delayed_job_takes_the_place_of_those_that_are_the_same() -> None:
    resque.enqueue_in(60, Foo, 1)
    resque.enqueue_in(60, Foo, 2)
    assert resque.delay_or_enqueue_at(LATER, Foo, 1) == 1
    assert resque.scheduled_at(Foo, 1) == [LATER]
    assert resque.delay_or_enqueue_in(60, Foo, 1) == 1
    assert resque.scheduled_at(Foo, 1) != [LATER]
    assert resque.count_all_scheduled_jobs() == 2
    plan.add("before_schedule says no")
    resque.enqueue_at(LATER, Hooked, 1)
    assert resque.delay_or_enqueue_in(60, Hooked, 1) == 0
