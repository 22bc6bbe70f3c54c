"""Cancelled jobs in a worker: those that wait are dropped, those that run get an exception."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import worker_state
from kiq.clock import steady
from kiq.config import Capsule
from kiq.plugins.cancelling import Cancelling
from kiq.plugins.cancelling.listener import Listener
from kiq.process import WorkerProcess
from kiq.work.attached import Attached
from tests.helpers.driven import DrivenWorker
from tests.helpers.untraced import untraced
from tests.helpers.waiting import eventually

#: What is raised in a thread may meet a finalizer there, which lets nothing out.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

notes: list[str] = []
held = threading.Event()

Start = Callable[..., DrivenWorker]


class Note(kiq.Job):
    def perform(self, text: str) -> None:
        notes.append(text)


class Spin(kiq.Job):
    def perform(self) -> None:
        notes.append("begin")
        try:
            while not held.is_set():
                sum(range(100))
        finally:
            notes.append("end")


class Polite(kiq.Job):
    def perform(self) -> None:
        notes.append("begin")
        try:
            while not self.interrupted:
                time.sleep(0.001)
        except kiq.Cancelled:
            notes.append(f"told, {self.interrupted}")


class CancelsItself(kiq.Job):
    def perform(self) -> None:
        kiq.cancel(self.jid)
        notes.append("told")
        while not held.is_set():
            sum(range(100))


class Forks(kiq.Job):
    def perform(self) -> None:
        child = os.fork()
        if child == 0:
            os._exit(7 if self.interrupted else 0)
        _, status = os.waitpid(child, 0)
        notes.append(f"child {os.waitstatus_to_exitcode(status)}")


class Heeds(kiq.Job):
    heeds_cancelling = True

    def perform(self, ends: bool) -> None:
        notes.append("begin")
        try:
            while not (self.interrupted and ends):
                sum(range(100))
            sum(range(100_000))
            notes.append("in good order")
        except kiq.Cancelled:
            notes.append("told")
            raise


class Wraps(kiq.Job):
    def perform(self) -> None:
        notes.append("begin")
        try:
            while not held.is_set():
                sum(range(100))
        except kiq.Cancelled as error:
            raise ValueError("something else") from error


class Blink(kiq.Job):
    def perform(self, number: int) -> None:
        until = steady() + 0.002
        while steady() < until:
            sum(range(50))
        notes.append(str(number))


@pytest.fixture(autouse=True)
def not_traced() -> Iterator[None]:
    notes.clear()
    held.clear()
    with untraced():
        yield
    held.set()
    assert not worker_state.running, "nothing is left of a worker that has ended"


@pytest.fixture
def start(redis_url: str, tmp_path: Path, kiq_client: kiq.Client) -> Iterator[Start]:
    """Start a worker with the plugin in this process."""
    made: list[DrivenWorker] = []

    def run(**settings: Any) -> DrivenWorker:
        worker = DrivenWorker(
            redis_url, tmp_path, Capsule(concurrency=2), shutdown_timeout=5.0, **settings
        )
        worker._host.install(Cancelling())
        made.append(worker)
        return worker.__enter__()

    yield run
    held.set()
    for worker in made:
        worker.__exit__(None, None, None)


def nothing_left(raw: redis.Redis, processed: int) -> None:
    """Wait until so many runs are settled; nothing may be anywhere then."""
    eventually(lambda: int(raw.get("stat:processed") or 0) == processed, 10)  # type: ignore[arg-type]
    assert not raw.keys("kiq:inflight:*")
    assert [raw.exists(key) for key in ("retry", "dead", "schedule", "queue:default")] == [0] * 4


def test_what_was_cancelled_before_the_worker_began_is_dropped(
    start: Start, raw: redis.Redis
) -> None:
    jids = [Note.perform_async(str(n)) for n in range(4)]
    kiq.cancel(jids[1])
    kiq.cancel(jids[2])
    start()
    nothing_left(raw, 4)
    assert sorted(notes) == ["0", "3"]


def test_what_is_cancelled_while_it_waits_is_dropped(start: Start, raw: redis.Redis) -> None:
    worker = start()
    for _ in range(2):
        Spin.perform_async()
    eventually(lambda: notes == ["begin"] * 2)
    jid = Note.perform_async("never")
    kiq.cancel(jid)
    eventually(lambda: jid in worker.launcher.worker.state.cancelled, 2)
    held.set()
    nothing_left(raw, 3)
    assert "never" not in notes


def test_a_job_that_runs_gets_an_exception_and_is_neither_retried_nor_dead(
    start: Start, raw: redis.Redis
) -> None:
    worker = start()
    jid = Spin.perform_async()
    eventually(lambda: notes == ["begin"])
    began = steady()
    kiq.cancel(jid)
    eventually(lambda: notes == ["begin", "end"])
    assert steady() - began < 2, "it is heard at once"
    nothing_left(raw, 1)
    assert int(raw.get("stat:failed") or 0) == 0  # type: ignore[arg-type]
    assert worker.problems == []
    Note.perform_async("after")
    eventually(lambda: "after" in notes)


def test_a_job_that_looks_sees_it_too(start: Start, raw: redis.Redis) -> None:
    start()
    jid = Polite.perform_async()
    eventually(lambda: notes == ["begin"])
    kiq.cancel(jid)
    nothing_left(raw, 1)
    assert notes in (["begin"], ["begin", "told, True"])


def test_a_cancelled_job_is_dropped_whatever_it_makes_of_the_exception(
    start: Start, raw: redis.Redis
) -> None:
    start()
    jid = Wraps.perform_async()
    eventually(lambda: notes == ["begin"])
    kiq.cancel(jid)
    nothing_left(raw, 1)


def test_a_due_job_is_dropped_when_it_would_start(start: Start, raw: redis.Redis) -> None:
    jid = Note.perform_in(0.3, "never")
    raw.zadd("kiq:cancelled", {jid: time.time() + 60})
    start()
    nothing_left(raw, 1)
    assert notes == []


def test_a_mark_that_nobody_announced_is_found_at_the_next_look(
    start: Start, raw: redis.Redis
) -> None:
    start()
    jid = Spin.perform_async()
    eventually(lambda: notes == ["begin"])
    raw.zadd("kiq:cancelled", {jid: time.time() + 60})
    eventually(lambda: notes == ["begin", "end"], 12)
    nothing_left(raw, 1)


def test_a_hundred_cancels_hit_the_jobs_that_they_are_for(start: Start, raw: redis.Redis) -> None:
    worker = start()
    jids = [Blink.perform_async(number) for number in range(300)]
    for jid in jids[::3]:
        assert jid is not None
        kiq.cancel(jid)
    nothing_left(raw, 300)
    ran = {int(text) for text in notes}
    assert ran >= {n for n in range(300) if n % 3}, "no other job was hit"
    assert len(notes) == len(ran), "none ran twice"
    assert worker.problems == []
    alive = [one.thread.is_alive() for one in worker.launcher.attached.threads()]
    assert alive == [True] * 2


def test_jids_of_any_kind_can_be_in_a_queue_while_something_is_cancelled(
    start: Start, raw: redis.Redis
) -> None:
    kiq.cancel("['a']")
    start()
    name = Note._kiq_spec.name
    for jid in (5, None, ["b"], {"a": 1}, ["a"], "x" * 5_000):
        raw.lpush("queue:default", json.dumps({"class": name, "args": [str(jid)[:9]], "jid": jid}))
    eventually(lambda: len(notes) == 5, 10)
    assert "['a']" not in notes
    nothing_left(raw, 6)


def test_a_service_is_made_before_any_job_can_start(
    redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    started: list[bool] = []

    class Service:
        def __init__(self, process: WorkerProcess) -> None:
            started.extend(one.thread.ident is not None for one in process.threads())

        def start(self) -> None: ...

        def stop(self) -> None: ...

    worker = DrivenWorker(redis_url, tmp_path)
    worker._host.services.append(Service)
    with worker:
        assert started == [False] * 2


def test_what_was_cancelled_is_known_when_the_listener_is_made(
    redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    kiq.cancel("j1")
    worker = DrivenWorker(redis_url, tmp_path).launcher.worker
    listener = Listener(Attached(worker, [], print), lambda _jids: None)
    assert worker.state.cancelled.keys() == {"j1"}
    listener.loop.stop()


def test_a_worker_whose_redis_refuses_the_marks_works_all_the_same(
    start: Start, raw: redis.Redis
) -> None:
    raw.set("kiq:cancelled", "no sorted set")
    start()
    Note.perform_async("runs")
    eventually(lambda: notes == ["runs"])
    raw.delete("kiq:cancelled")
    jid = Spin.perform_async()
    eventually(lambda: "begin" in notes)
    kiq.cancel(jid)
    eventually(lambda: "end" in notes, 12, message="it reads them when it can")


def test_a_cancel_may_be_repeated(start: Start, raw: redis.Redis) -> None:
    start()
    jids = [Spin.perform_async() for _ in range(2)]
    eventually(lambda: notes == ["begin"] * 2)
    for jid in jids:
        kiq.cancel(jid)
        kiq.cancel(jid)  # again: nothing more happens
    eventually(lambda: notes.count("end") == 2)
    nothing_left(raw, 2)


def test_a_job_may_cancel_itself(start: Start, raw: redis.Redis) -> None:
    start()
    CancelsItself.perform_async()
    nothing_left(raw, 1)
    assert notes in ([], ["told"]), "it may end inside the very call that cancels it"


def test_a_job_may_fork_beside_all_this(start: Start, raw: redis.Redis) -> None:
    start()
    Forks.perform_async()
    nothing_left(raw, 1)
    assert notes == ["child 0"]


@pytest.mark.parametrize(("ends", "how"), [(True, "in good order"), (False, "told")])
def test_a_job_that_heeds_cancelling_is_told_only_when_its_time_is_over(
    start: Start, raw: redis.Redis, ends: bool, how: str
) -> None:
    start(time_limit_grace=20.0 if ends else 0.2)
    jid = Heeds.perform_async(ends)
    eventually(lambda: notes == ["begin"])
    assert jid is not None
    kiq.cancel(jid)
    nothing_left(raw, 1)
    assert notes == ["begin", how]
