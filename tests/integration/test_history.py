"""What is kept of a job: its attempts and what it logged, bounded, and only where that was asked for."""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.api import DeadSet, RetrySet, attempts, find, job_log
from kiq.client import Client
from kiq.config import Capsule
from kiq.plugins.history import History, keys
from kiq.store.owners import reclaim
from tests.helpers.driven import DrivenWorker
from tests.helpers.living import hold, show_process
from tests.helpers.waiting import eventually

logger = logging.getLogger("app.history")
LINES = 1_000_000 if os.environ.get("CHAOS_LONG") else 50_000
WORKER = "web-1:4711:8d0c54f1a2b3"


class Any_(kiq.Job, name="history.Any", queue="out", retry=3, history=True, capture_log=True):
    """Does as it is told."""

    def perform(self, how: str, *more: Any) -> None:
        """End as *how* says."""
        self.logger.info("it is told to %s", how)
        if how == "fail":
            raise ValueError("no such year")
        if how == "kill":
            raise kiq.Kill("never again")
        if how == "discard":
            raise kiq.Discard("not needed")
        if how == "snooze":
            raise kiq.Snooze(500)
        if how == "talk":
            for number in range(*more):
                logger.info("line %d of %s", number, self.jid)
        if how == "threads":
            thread = threading.Thread(target=logger.warning, args=("from a thread",))
            copied = contextvars.copy_context()
            known = threading.Thread(target=copied.run, args=(logger.warning, "from a copy"))
            for each in (thread, known):
                each.start()
                each.join()


class Plain(kiq.Job, name="history.Plain", queue="out"):
    """Nothing is kept of it."""

    def perform(self) -> None:
        """Log a line."""
        logger.info("nobody keeps this")


@kiq.job(name="history.Async", queue="out", history=2, capture_log=3)
async def later(number: int) -> None:
    """Log a line."""
    logger.info("async %d", number)


@pytest.fixture
def loggers() -> Iterator[None]:
    level, before = logger.level, logging.getLogRecordFactory()
    logger.setLevel(logging.INFO)
    logger.propagate = False  # what counts is that they are logged, not where they go
    logger.addHandler(logging.NullHandler())
    job = logging.getLogger("kiq.job")
    was = job.level
    job.setLevel(logging.INFO)
    yield
    job.setLevel(was)
    logger.setLevel(level)
    logger.propagate = True
    logger.handlers.clear()
    logging.setLogRecordFactory(before)


@pytest.fixture
def work(
    kiq_client: Client, redis_url: str, tmp_path: Path, loggers: None
) -> Callable[[], DrivenWorker]:
    """Make a worker that keeps history, of the queue "out"."""
    kiq.host.install(History())
    capsule = Capsule(queues=(("out", 1),), concurrency=3)
    return lambda: DrivenWorker(redis_url, tmp_path, capsule, host=kiq.host)


def ended(jid: str | None) -> list[str]:
    return [one.word for one in attempts(str(jid))]


def said(jid: str | None) -> list[str]:
    return [line.partition(" ")[2] for line in job_log(str(jid)) or []]


@pytest.mark.parametrize(
    ("how", "word", "why"),
    [
        ("run", "done", ""),
        ("fail", "retried", "ValueError: no such year"),
        ("kill", "dead", "kiq.errors.Kill: never again"),
        ("discard", "dropped", None),
        ("snooze", "snoozed", ""),
    ],
)
def test_an_attempt_is_kept_with_what_became_of_it(
    work: Callable[[], DrivenWorker], raw: redis.Redis, how: str, word: str, why: str | None
) -> None:
    jid = str(Any_.perform_async(how))
    with work():
        eventually(lambda: ended(jid) == [word], message="the attempt is kept")
    (one,) = attempts(jid)
    assert one.number == 1
    assert one.waited is not None
    assert one.ran is not None
    assert 0 <= one.ran < 10
    assert one.process.count(":") == 1
    assert one.said == why or why is None
    assert said(jid) == [f"INFO it is told to {how}"]
    goes_on = word in ("retried", "snoozed", "dead")
    life = raw.ttl(keys.history(jid))
    assert (life > keys.TTL + 86_400) == goes_on
    assert abs(raw.ttl(keys.log(jid)) - life) < 5  # type: ignore[operator]
    found = find(jid)
    assert found.ended == ("" if goes_on else word)
    assert bool(found) == goes_on


def test_of_other_jobs_nothing_is_kept(work: Callable[[], DrivenWorker], raw: redis.Redis) -> None:
    with work():
        jid = str(Plain.perform_async())
        eventually(lambda: raw.get("stat:processed") == b"1", message="it ran")
    assert attempts(jid) == []
    assert job_log(jid) is None
    assert raw.keys("kiq:history:*") == raw.keys("kiq:job-log:*") == []


def test_each_attempt_is_kept_and_the_oldest_go(
    work: Callable[[], DrivenWorker], raw: redis.Redis
) -> None:
    jid = str(Any_.set(history=2, capture_log=False).perform_async("fail"))
    with work():
        for number in (1, 2, 3):
            eventually(lambda: bool(RetrySet().find(jid)), message="it failed")
            RetrySet().find(jid).add_to_queue() if number < 3 else None  # type: ignore[union-attr]
            eventually(
                lambda number=number: attempts(jid)[-1].number >= min(number + 1, 3),  # type: ignore[misc]
                message="it ran again",
            )
    assert [one.number for one in attempts(jid)] == [2, 3]
    assert job_log(jid) is None


def test_two_jobs_at_a_time_have_each_its_own_lines(
    work: Callable[[], DrivenWorker], raw: redis.Redis
) -> None:
    jids = [str(Any_.perform_async("talk", 50)) for _ in range(30)]
    with work():
        eventually(lambda: all(map(ended, jids)), message="all ran")
    for jid in jids:
        assert said(jid)[1:] == [f"INFO line {n} of {jid}" for n in range(50)]


def test_very_many_lines_are_bounded(work: Callable[[], DrivenWorker], raw: redis.Redis) -> None:
    jid = str(Any_.perform_async("talk", LINES))
    long = str(Any_.set(capture_log=1000).perform_async("talk", 5))
    with work():
        eventually(lambda: ended(jid) == ["done"], 50, message="it ran")
        eventually(lambda: ended(long) == ["done"], message="the other too")
    lines = said(jid)
    assert len(lines) == 201
    assert lines[1] == f"INFO line 0 of {jid}"
    assert f"{LINES - 199:,} lines cut" in (job_log(jid) or [])[100]
    assert lines[-1] == f"INFO line {LINES - 1} of {jid}"


def test_threads_of_a_job_are_heard_in_a_copy_of_its_context(
    work: Callable[[], DrivenWorker],
) -> None:
    jid = str(Any_.perform_async("threads"))
    with work():
        eventually(lambda: ended(jid) == ["done"], message="it ran")
    assert "WARNING from a copy" in said(jid)


@pytest.mark.needs("greenlet")
def test_async_jobs_have_both_too(work: Callable[[], DrivenWorker]) -> None:
    from kiq.plugins.asyncio_jobs.plugin import AsyncJobs

    kiq.host.install(AsyncJobs())
    jids = [str(later.perform_async(number)) for number in range(5)]
    with work():
        eventually(lambda: all(ended(jid) == ["done"] for jid in jids), message="all ran")
    assert [said(jid) for jid in jids] == [[f"INFO async {number}"] for number in range(5)]


def test_what_people_do_to_a_job_is_kept_too(
    work: Callable[[], DrivenWorker], raw: redis.Redis
) -> None:
    jid, other = str(Any_.perform_in(500, "run")), str(Any_.perform_in(500, "run"))
    kiq.api.ScheduledSet().find(jid).kill()  # type: ignore[union-attr]
    assert ended(jid) == ["killed"]
    assert raw.ttl(keys.history(jid)) > keys.TTL + 86_400  # type: ignore[operator]
    DeadSet().find(jid).delete()  # type: ignore[union-attr]
    kiq.api.ScheduledSet().find(other).delete()  # type: ignore[union-attr]
    assert ended(jid) == ["killed", "deleted"]
    assert ended(other) == ["deleted"]
    assert 0 < raw.ttl(keys.history(jid)) <= keys.TTL  # type: ignore[operator]
    assert find(jid).ended == "deleted"


def test_what_a_dead_process_had_is_said_to_be_lost_there(
    work: Callable[[], DrivenWorker], raw: redis.Redis, kiq_client: Client
) -> None:
    jid = str(Any_.perform_async("run"))
    text = raw.rpop("queue:out")
    show_process(raw, WORKER, {"queues": ["out"]})
    hold(raw, WORKER, "out", text)  # type: ignore[arg-type]
    from kiq.riders import Riders

    rides = Riders(kiq.host, kiq.host.report).giving_back()
    home = kiq.api.connection()
    home.with_link(
        lambda link: reclaim(
            link,
            f"{WORKER}:default",
            proven=True,
            crashed=True,
            sources=["queue:out"],
            rides=rides,
        )
    )
    assert ended(jid) == ["lost"]
    with work():
        eventually(lambda: ended(jid) == ["lost", "done"], message="it ran after all")
    assert attempts(jid)[0].process == "web-1:4711"


def test_no_key_stays_for_ever(work: Callable[[], DrivenWorker], raw: redis.Redis) -> None:
    jids = [str(Any_.perform_async(how)) for how in ("run", "fail", "kill", "snooze", "discard")]
    with work():
        eventually(lambda: all(map(ended, jids)), message="all ran")
    kept = [*raw.keys("kiq:history:*"), *raw.keys("kiq:job-log:*")]  # type: ignore[misc]
    assert len(kept) == 10
    assert all(raw.ttl(key) > 0 for key in kept)  # type: ignore[operator]


def test_options_that_can_not_be_are_refused() -> None:
    for wrong in (-1, 101, "yes", 1.5):
        with pytest.raises(kiq.ConfigError, match="history must be True, False or a number"):
            Any_.set(history=wrong)  # type: ignore[arg-type]
    with pytest.raises(kiq.ConfigError, match="capture_log must be"):
        Any_.set(capture_log=1001)
