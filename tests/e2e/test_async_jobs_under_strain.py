"""Async jobs at the moments when stopping, cancelling and limiting them is hard."""

from __future__ import annotations

import signal
from typing import Any

import pytest

import kiq
from tests.e2e.test_async_jobs import member, processed
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

pytestmark = pytest.mark.needs("greenlet")

MODULE = "tests.helpers.async_strain"


def start(site: Site, *arguments: str) -> WorkerProcess:
    return site.run("-r", MODULE, *arguments).wait_until_ready()


def push(site: Site, job: str, *arguments: Any, **fields: Any) -> str:
    payload = {"class": f"{MODULE}.{job}", "args": list(arguments), **fields}
    return str(site.client.push(payload))


def test_one_that_waits_in_a_layer_past_its_time_limit_does_not_begin(site: Site) -> None:
    start(site)
    jid = push(site, "Sleeps", "late", 60, time_limit=0.2, gate=1)
    site.noted(f"at the gate {jid}")
    eventually(lambda: site.count("retry") == 1)
    assert member(site, "retry")["error_class"] == "kiq.errors.TimeLimitExceeded"
    assert "begun late" not in site.notes


def test_one_that_is_cancelled_while_it_waits_in_a_layer_does_not_begin(
    site: Site, unconfigured: None
) -> None:
    worker = start(site)
    jid = push(site, "Sleeps", "cancelled", 60, gate=1)
    site.noted(f"at the gate {jid}")
    kiq.configure(redis=site.url)
    kiq.cancel(jid)
    site.noted(f"through the gate {jid}")
    worker.says("skipped: it was cancelled", jid)
    assert "begun cancelled" not in site.notes


def test_one_that_is_cancelled_while_another_blocks_the_loop_does_not_begin(
    site: Site, unconfigured: None
) -> None:
    worker = start(site)
    push(site, "Blocks", 2)
    site.noted("blocks")
    jid = push(site, "Sleeps", "cancelled", 60)
    eventually(lambda: site.count("queue:default") == 0, message="it is handed to the loop")
    kiq.configure(redis=site.url)
    kiq.cancel(jid)
    worker.says("skipped: it was cancelled", jid)
    assert "begun cancelled" not in site.notes


def test_one_that_a_layer_runs_in_a_task_of_its_own_goes_back_uncounted_at_a_stop(
    site: Site,
) -> None:
    worker = start(site, "-t", "1")
    jid = push(site, "Sleeps", "long", 60, bounded=True, retry=False)
    site.noted("begun long")
    assert worker.stop() == 0
    assert site.count("queue:default") == 1, worker.log
    assert f"died {jid} CancelledError" not in site.notes
    assert processed(site) == 0


def test_no_other_job_goes_on_in_a_child_that_one_forked(site: Site) -> None:
    worker = start(site)
    for number in range(20):
        push(site, "Steps", str(number), 100)
    push(site, "Forks")
    for number in range(20, 40):
        push(site, "Steps", str(number), 100)
    site.noted("child ended")
    eventually(lambda: processed(site) == 41)
    steps = [note for note in site.notes if note.startswith("step ")]
    assert {step.split()[-1] for step in steps} == {str(worker.pid)}
    assert len(steps) == 4000


def test_a_layer_that_runs_one_on_another_thread_is_told_so(site: Site) -> None:
    start(site)
    push(site, "Sleeps", "elsewhere", 0, elsewhere=True)
    eventually(lambda: site.count("retry") == 1)
    assert "call_next of an async job on another thread" in member(site, "retry")["error_message"]


def test_services_are_made_once(site: Site) -> None:
    site.write("served.py", _SERVED)
    worker = site.run("-r", "./served.py").wait_until_ready()
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert worker.log.count("a service is made") == 1


_SERVED = """
import kiq


class Service:
    def __init__(self, worker):
        print("a service is made", flush=True)

    def start(self):
        pass

    def stop(self):
        pass


kiq.host.services.append(Service)


@kiq.job
def noop():
    pass
"""
