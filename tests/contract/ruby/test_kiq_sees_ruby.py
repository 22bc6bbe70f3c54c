"""What kiq's API and commands show of a Ruby server, and what they can do there."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

import pytest

from kiq.api import DeadSet, Metrics, ProcessSet, Queue, RetrySet, Stats, WorkSet
from tests.helpers.ruby_land import Land
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import KIQ, ROOT, WorkerProcess


@pytest.fixture(scope="module")
def sidekiq(land: Land) -> WorkerProcess:
    return land.serve("rubys", "rb {q}")


def recent(stamp: float | None) -> bool:
    return stamp is not None and -1 <= time.time() - stamp <= 60


def kiq_says(land: Land, *arguments: str) -> Any:
    """Run ``kiq *arguments --json`` there; return the document."""
    settings = {"REDIS_URL": land.site.url, "KIQ_CODEC": "json", "KIQ_SIDEKIQ": str(land.major)}
    done = subprocess.run(
        [*KIQ, *arguments, "--json"],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        cwd=land.site.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)


def test_the_process(land: Land, sidekiq: WorkerProcess) -> None:
    (process,) = ProcessSet(land.site.client)
    assert not process.is_kiq
    assert process.queues == ["rubys", "rb {q}"]
    assert process.concurrency == 2
    assert recent(process.beat)
    assert recent(process.started_at)
    if land.major >= 7:
        assert process.version == land.version


def test_what_it_runs(land: Land, sidekiq: WorkerProcess) -> None:
    jid = land.ask("push", {"class": "RbHold", "args": ["seen"], "queue": "rb {q}"})
    land.noted("seen begins")
    (work,) = eventually(lambda: list(WorkSet(land.site.client)), 20)
    assert (work.jid, work.job_class, work.queue) == (jid, "RbHold", "rb {q}")
    assert recent(work.run_at)
    assert WorkSet(land.site.client).size == 1
    land.site.release("seen")
    eventually(lambda: not list(WorkSet(land.site.client)), 20)


def test_its_queues_sets_and_times(land: Land, sidekiq: WorkerProcess) -> None:
    for number in range(2):
        land.ask("push", {"class": "RbNote", "args": [number], "queue": "nobody's"})
    queue = Queue("nobody's", land.site.client)
    assert queue.size == 2
    assert 0 <= queue.latency < 60
    assert all(recent(job.created_at) and recent(job.enqueued_at) for job in queue)
    jid = land.ask("perform_async", "RbFails", {"queue": "rubys"}, "seen")
    entry: Any = eventually(lambda: RetrySet(land.site.client).find(jid), 15)
    assert (entry.error_class, entry.error_message) == ("ArgumentError", "no: seen")
    assert recent(entry.failed_at)
    assert recent(entry.created_at)
    assert len(entry.error_backtrace) == 2
    assert entry.retry()
    again: Any = eventually(lambda: RetrySet(land.site.client).find(jid), 15)
    assert recent(again.retried_at)
    assert again.kill()
    dead = DeadSet(land.site.client).find(jid)
    assert dead is not None
    assert land.ask("find", "dead", jid)["class"] == "RbFails"


def test_its_numbers(land: Land, sidekiq: WorkerProcess) -> None:
    land.ask("push", {"class": "RbNote", "args": ["counted"], "queue": "rubys"})
    land.noted("counted {} {}")
    # Ruby writes its counters at a beat.
    eventually(lambda: Stats(land.site.client).processed >= 1, 20)
    assert Stats(land.site.client).processes_size == 1


def test_its_metrics(land: Land, sidekiq: WorkerProcess) -> None:
    if land.major < 7:
        return  # that version has none
    land.ask("push", {"class": "RbNote", "args": ["measured"], "queue": "rubys"})
    metrics = Metrics(land.site.client)
    eventually(lambda: metrics.for_job("RbNote", minutes=10).processed >= 1, 30)
    job = metrics.for_job("RbNote", minutes=10)
    assert sum(job.histogram) == job.succeeded
    assert "RbNote" in metrics.top_jobs(minutes=10).jobs


def test_the_commands_show_it(land: Land, sidekiq: WorkerProcess) -> None:
    land.site.store.sadd("queues", "rubys", "rb {q}")  # as any push does, whatever ran before this
    (process,) = ProcessSet(land.site.client)
    (shown,) = kiq_says(land, "ps")["processes"]
    assert shown["identity"] == process.identity
    queues = {queue["name"]: queue["processes"] for queue in kiq_says(land, "queues")["queues"]}
    assert queues["rubys"] == queues["rb {q}"] == 1
    findings = {each["check"]: each["level"] for each in kiq_says(land, "doctor")["findings"]}
    assert findings["ruby-server"] == "ok"
    assert "sidekiq-version" not in findings


def test_a_worker_beside_it_has_nothing_to_say(land: Land, sidekiq: WorkerProcess) -> None:
    worker = land.work("default")
    assert worker.stop() == 0
    assert "WARN" not in worker.log


def test_it_can_be_quieted_and_stopped(land: Land, sidekiq: WorkerProcess) -> None:
    (process,) = ProcessSet(land.site.client)
    assert process.quiet()
    eventually(lambda: all(each.is_quiet for each in ProcessSet(land.site.client)), 30)
    assert process.stop()
    assert sidekiq.wait(30) == 0
