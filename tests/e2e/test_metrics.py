"""Metrics of a real worker: every run is counted, and disabled means disabled."""

from __future__ import annotations

import signal
from typing import Any

from kiq.api import Metrics
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

JOBS_OF_OURS = """
import time
import kiq


class Quick(kiq.Job, name="Quick"):
    def perform(self, number: int) -> None: ...


class Fails(kiq.Job, name="Fails", retry=False):
    def perform(self, number: int) -> None:
        raise ValueError(number)


class Sleeps(kiq.Job, name="Sleeps"):
    def perform(self, seconds: float) -> None:
        time.sleep(seconds)


@kiq.host.around_perform
def vetoing(context, call_next):
    return None if context.payload["args"] == ["vetoed"] else call_next(context)
"""


def ours(site: Site, *extra: str, **environment: str | None) -> Any:
    site.write("ours.py", JOBS_OF_OURS)
    worker = site.run("-r", "ours", *extra, KIQ_LOG_LEVEL="warning", **environment)
    eventually(lambda: site.store.exists("processes"), 20, message=f"it works: {worker.log}")
    return worker


def push(site: Site, name: str, *args: Any, count: int = 1) -> None:
    site.client.push_slices([{"class": name, "args": list(args)} for _ in range(count)])


def test_after_an_orderly_stop_every_run_is_counted(site: Site) -> None:
    worker = ours(site, "-c", "5")
    push(site, "Quick", 1, count=3_000)
    push(site, "Fails", 1, count=20)
    push(site, "Sleeps", 0.05, count=4)
    push(site, "Quick", "vetoed", count=5)
    push(site, "NoSuchJob", "<b>|p")
    eventually(lambda: int(site.store.get("stat:processed") or 0) == 3_030, 20)  # type: ignore[arg-type]
    assert worker.stop() == 0
    jobs = Metrics(site.url).top_jobs(minutes=10).jobs
    assert {name: (job.processed, job.failed) for name, job in jobs.items()} == {
        "Quick": (3_005, 0),
        "Fails": (20, 20),
        "Sleeps": (4, 0),
    }
    assert next(iter(jobs)) == "Sleeps"
    assert 0.05 <= jobs["Sleeps"].average_run_time < 1
    assert all(job.waits == job.processed for job in jobs.values())
    one = Metrics(site.url).for_job("Quick", minutes=10)
    assert sum(one.histogram) == one.processed == 3_005


def test_beats_write_what_a_killed_worker_would_lose(site: Site) -> None:
    worker = ours(site, KIQ_LEASE="6")
    push(site, "Quick", 1, count=50)
    jobs = eventually(lambda: Metrics(site.url).top_jobs().jobs, 20)
    worker.signal(signal.SIGKILL)
    assert jobs["Quick"].processed == 50


def test_jobs_that_go_back_at_a_hard_stop_are_no_failures(site: Site) -> None:
    site.write("kiq.yml", "timeout: 0.2\nrequire: [ours]\n")
    worker = ours(site, "-C", str(site.folder / "kiq.yml"))
    push(site, "Sleeps", 1.0)
    eventually(lambda: site.store.llen("queue:default") == 0)
    assert worker.stop() == 0
    job = Metrics(site.url).for_job("Sleeps", minutes=10)
    assert job.failed == 0


def test_a_worker_may_do_without(site: Site) -> None:
    site.write("kiq.yml", "disable_plugins: [metrics]\n")
    worker = ours(site, "-C", str(site.folder / "kiq.yml"))
    push(site, "Quick", 1)
    eventually(lambda: int(site.store.get("stat:processed") or 0) == 1, 20)  # type: ignore[arg-type]
    assert worker.stop() == 0
    assert Metrics(site.url).top_jobs().jobs == {}
    assert not list(site.store.scan_iter("j|*"))
