"""What Sidekiq's API shows of kiq, and what it can do there: numbers, sets, processes, work, metrics."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kiq.api import DeadSet, RetrySet, ScheduledSet
from tests.helpers.ruby_land import Land
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess


@pytest.fixture(scope="module")
def worker(land: Land) -> WorkerProcess:
    return land.work("default", "py low")


def recent(stamp: float | None) -> bool:
    return stamp is not None and -1 <= time.time() - stamp <= 60


def pushed(land: Land, job: str, *args: Any, **fields: Any) -> str:
    return str(land.site.client.push({"class": job, "args": list(args), **fields}))


def test_numbers_of_jobs_that_ran_and_failed(land: Land, worker: WorkerProcess) -> None:
    before = land.ask("stats")
    for number in range(3):
        pushed(land, "PyNote", f"counted {number}")
    pushed(land, "PyFails", "counted", retry=False)
    eventually(lambda: land.ask("stats")["processed"] == before["processed"] + 4, 15)
    now = land.ask("stats")
    assert now["failed"] == before["failed"] + 1
    assert now["today"] == before["today"] + 4
    assert now["failed_today"] == before["failed_today"] + 1
    eventually(lambda: land.ask("stats")["processes"] == 1, 10)  # shown at its first beat


def test_a_queue_its_size_its_latency_and_its_jobs(land: Land, worker: WorkerProcess) -> None:
    jid = pushed(land, "RbNote", "waits", {"a": 1}, queue="rb {waits}", tags=["alpha"])
    stats, queues = land.ask("stats"), land.ask("queues")
    assert stats["queues"]["rb {waits}"] == queues["rb {waits}"]["size"] == 1
    assert 0 <= queues["rb {waits}"]["latency"] < 60
    (job,) = land.ask("queue", "rb {waits}")
    assert (job["jid"], job["class"], job["queue"]) == (jid, "RbNote", "rb {waits}")
    assert job["args"] == ["waits", {"a": 1}]
    assert job["tags"] == ["alpha"]
    assert recent(job["created_at"])
    assert recent(job["enqueued_at"])


def test_the_latency_of_the_default_queue_is_that_of_its_oldest_job(
    land: Land, worker: WorkerProcess
) -> None:
    for label in ("one", "two", "three"):
        pushed(land, "PyHold", label, queue="py low")
    land.noted("one begins", "two begins", "three begins")
    pushed(land, "PyNote", "in line")
    eventually(lambda: land.ask("stats")["latency"] > 0.2, 10)
    assert land.ask("stats")["latency"] < 60
    for label in ("one", "two", "three"):
        land.site.release(label)
    land.noted("in line {} {}")
    eventually(lambda: land.ask("stats")["latency"] == 0, 10)


def test_a_scheduled_job_with_its_time(land: Land, worker: WorkerProcess) -> None:
    due = time.time() + 3600.5
    jid = pushed(land, "PyNote", "later", at=due)
    entry = land.ask("find", "schedule", jid)
    assert entry["at"] == pytest.approx(due, abs=0.01)
    assert entry["class"] == "PyNote"
    assert recent(entry["created_at"])
    assert entry["enqueued_at"] is None
    assert land.ask("act", "schedule", jid, "reschedule", int(due) + 60)
    moved = ScheduledSet(land.site.client).find(jid)
    assert moved is not None
    assert moved.score == int(due) + 60
    assert land.ask("act", "schedule", jid, "add_to_queue")
    land.noted("later {} {}")


def test_a_failed_job_with_its_error_and_its_times(land: Land, worker: WorkerProcess) -> None:
    jid = pushed(land, "PyFails", "shown", backtrace=2)
    entry: Any = eventually(lambda: land.ask("find", "retry", jid), 10)
    assert (entry["error"], entry["retry_count"]) == ("no: shown", 0)
    assert entry["item"]["error_class"] == "ValueError"
    assert recent(entry["failed_at"])
    assert recent(entry["created_at"])
    assert 10 < entry["at"] - time.time() < 60
    assert "py_fails" in entry["backtrace"][0]
    assert land.ask("act", "retry", jid, "retry")
    again: Any = eventually(lambda: land.ask("find", "retry", jid), 10)
    assert again["retry_count"] == 0, "Ruby takes one off, as kiq does, and the run adds one"
    assert recent(again["retried_at"])
    assert again["failed_at"] == entry["failed_at"]
    assert land.ask("act", "retry", jid, "delete")
    assert RetrySet(land.site.client).find(jid) is None


def test_a_dead_job_is_shown_retried_and_a_living_one_killed(
    land: Land, worker: WorkerProcess
) -> None:
    jid = pushed(land, "PyFails", "dead", retry=0)
    entry: Any = eventually(lambda: land.ask("find", "dead", jid), 10)
    assert entry["error"] == "no: dead"
    assert recent(entry["at"])
    land.site.store.set("mended:dead", 1)
    runs = land.site.notes.count("dead runs")
    assert land.ask("act", "dead", jid, "retry")
    eventually(lambda: land.site.notes.count("dead runs") == runs + 1, 10)
    later = pushed(land, "PyNote", "never", at=time.time() + 3600)
    assert land.ask("act", "schedule", later, "kill")
    killed = DeadSet(land.site.client).find(later)
    assert killed is not None
    assert killed.class_name == "PyNote"


def test_the_process_and_what_it_runs(land: Land, worker: WorkerProcess) -> None:
    jid = pushed(land, "PyHold", "busy")
    land.noted("busy begins")

    def alone() -> Any:
        # What other tests ran is shown until the next beat.
        work = land.ask("work")
        return [each["jid"] for each in work] == [jid] and work[0]

    running: Any = eventually(alone, 15)
    assert running["class"] == "PyHold"
    assert running["process"] == worker.identity
    assert recent(running["run_at"])
    eventually(lambda: land.ask("stats")["busy"] == 1, 15)
    (process,) = land.ask("processes")
    assert process["identity"] == worker.identity
    assert (process["tag"], process["labels"]) == ("kq", ["py"])
    assert process["queues"] == ["default", "py low"]
    assert process["concurrency"] == 3
    assert process["busy"] == 1
    assert 0 < time.time() - process["started_at"] < 600
    land.site.release("busy")
    eventually(lambda: not land.ask("work"), 15)


def test_metrics(land: Land, worker: WorkerProcess) -> None:
    if land.major < 7:
        with pytest.raises(AssertionError, match="LoadError"):
            land.ask("metrics", "PyNote")
        return  # that version has none
    for number in range(5):
        pushed(land, "PyNote", f"measured {number}")
    pushed(land, "PyFails", "measured", retry=False)

    def found() -> Any:
        names = land.ask("metrics", "PyNote")
        return names and names["totals"]["p"] >= 5 and "PyFails" in names["names"] and names

    note: Any = eventually(found, 30)
    assert note["totals"].get("f", 0) == 0
    assert note["counted"] == note["totals"]["p"]
    assert note["totals"].get("ms", 0) >= 0  # jobs of no milliseconds have none
    assert land.ask("metrics", "PyFails")["totals"]["f"] >= 1


def test_quiet_and_stop(land: Land, worker: WorkerProcess) -> None:
    assert land.ask("signal", worker.identity, "quiet!")
    worker.says("quiet", timeout=20)
    eventually(lambda: land.ask("processes")[0]["quiet"] == "true", 15)
    assert land.ask("signal", worker.identity, "stop!")
    assert worker.wait(30) == 0
    assert land.ask("processes") == []
