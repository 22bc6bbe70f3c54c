"""Jobs in the manner of Delayed Job on a server: attempts, hooks of a worker, what waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq.api import DeadSet, RetrySet
from kiq.client import Client
from kiq.clock import milliseconds
from kiq.config import Capsule
from kiq.contrib import delayed
from kiq.contrib.delayed import delay, enqueue
from tests.helpers.delayed_jobs import HookedJob, NewsletterJob, User, called, names, plan
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually


@pytest.fixture(autouse=True)
def _nothing_called(kiq_client: Client) -> Iterator[None]:
    called.clear()
    plan.clear()
    User.there.clear()
    yield
    delayed.worker.reset()


@pytest.fixture
def work(redis_url: str, tmp_path: Path) -> Callable[[], DrivenWorker]:
    """Make a worker of the queues of these jobs."""

    def make() -> DrivenWorker:
        kiq.host.install(delayed.DelayedJobs())
        capsule = Capsule(queues=(("default", 1), ("hooked", 1)), concurrency=2)
        return DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host)

    return make


def _next_millisecond() -> None:
    """Of two jobs that are made in one, nobody can tell which was last."""
    before = milliseconds()
    eventually(lambda: milliseconds() > before)


def test_what_waits_is_counted_and_looked_at() -> None:
    assert (delayed.count(), delayed.first(), delayed.last()) == (0, None, None)
    delay(User(1)).activate(3)
    _next_millisecond()
    enqueue(NewsletterJob("low"), priority=5, queue="news")
    assert delayed.count() == 2
    _next_millisecond()
    enqueue(NewsletterJob("later"), run_at=timedelta(hours=1))
    first, last = delayed.first(), delayed.last()
    assert first is not None
    assert last is not None
    assert delayed.count() == 3
    assert (first.name.rpartition(".")[2], first.payload_object.args) == ("activate", [3])
    assert first.payload_object.object is User.there[1]
    assert last.payload_object == NewsletterJob("later")
    assert last.run_at is not None
    _next_millisecond()
    kiq.push({"class": "another.Kind", "args": []})
    last = delayed.last()
    assert last is not None
    with pytest.raises(delayed.NotDelayable, match="neither"):
        last.payload_object  # noqa: B018


def test_a_job_that_fails_waits_as_its_class_says_and_tells_its_hooks(
    work: Callable[[], DrivenWorker],
) -> None:
    plan["perform"] = lambda: RuntimeError("broke")
    enqueue(HookedJob(5))
    called.clear()
    with work():
        eventually(lambda: RetrySet().size == 1)
        assert names() == ["before", "perform", "error", "after"]
        (entry,) = RetrySet()
        assert entry.failed_at is not None
        assert 58 < entry.score - entry.failed_at < 75  # a minute, and kiq's jitter
        called.clear()
        entry.add_to_queue()
        eventually(lambda: any(each.retry_count == 1 for each in RetrySet()))
        assert called[0] == ("before", 1)
        called.clear()
        (entry,) = RetrySet()
        entry.add_to_queue()  # the third, and last
        eventually(lambda: DeadSet().size == 1)
        eventually(lambda: "failure" in names())
    assert names() == ["before", "perform", "error", "after", "failure"]
    assert called[-1] == ("failure", 3, 5)


def test_failed_jobs_are_destroyed_where_that_is_said(work: Callable[[], DrivenWorker]) -> None:
    delayed.worker.max_attempts = 1
    delayed.worker.destroy_failed_jobs = True
    plan["perform"] = lambda: RuntimeError("broke")
    enqueue(NewsletterJob("x"))
    with work():
        eventually(lambda: "perform" in names())
        eventually(lambda: kiq.api.Stats().failed == 1)
    assert (DeadSet().size, RetrySet().size, delayed.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("says", "dead", "again"), [("retry", 0, 1), ("dead", 1, 0), ("discard", 0, 0)]
)
def test_an_object_that_is_gone(
    work: Callable[[], DrivenWorker], says: Any, dead: int, again: int
) -> None:
    delayed.worker.on_missing = says
    delay(User(1)).activate()
    User.there.clear()
    with work():
        eventually(lambda: delayed.count() == again)
        eventually(lambda: (DeadSet().size, RetrySet().size) == (dead, again))
    assert called == []
