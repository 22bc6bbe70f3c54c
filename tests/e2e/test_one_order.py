"""What reaches a worker within a second is one order to stop: who gave it twice did not mean it twice."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, KIQ, Site, WorkerProcess

#: Passes a signal on to its child, as `uv run`, make and shells do.
WRAPPER = """
import signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _frame: child.send_signal(number))
sys.exit(child.wait())
"""


def holding(site: Site, *flags: str, **variables: str) -> WorkerProcess:
    worker = site.start("-t", "60", *flags, **variables)
    site.push("Hold", "a")
    site.noted("begin a")
    return worker


def ends_in_order(site: Site, worker: WorkerProcess) -> None:
    """The job may end by itself, and nobody was told again."""
    worker.says("stopping: running jobs have 60 s", timeout=15)
    site.release("a")
    assert worker.wait(10) == 0
    assert site.notes == ["begin a", "end a"]
    assert "told again" not in worker.log
    assert "did not finish" not in worker.log


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_two_signals_at_once_are_one_order(site: Site, second: signal.Signals) -> None:
    worker = holding(site)
    worker.signal(signal.SIGTERM)
    worker.signal(second)
    ends_in_order(site, worker)


def test_a_process_group_under_a_wrapper_gets_one_order(site: Site) -> None:
    wrapped = (sys.executable, "-c", WRAPPER, *KIQ)
    worker = site.run("-r", JOBS, "-t", "60", command=wrapped).wait_until_ready()
    site.push("Hold", "a")
    site.noted("begin a")
    os.killpg(worker.pid, signal.SIGTERM)
    ends_in_order(site, worker)


def test_an_order_by_signal_and_one_through_redis_are_one(site: Site) -> None:
    worker = holding(site)
    # The one through Redis is heard with the next beat, which is seconds later.
    site.store.lpush(f"{worker.identity}-signals", "TERM")
    worker.signal(signal.SIGTERM)
    eventually(lambda: not site.store.exists(f"{worker.identity}-signals"), 10)
    beat = site.store.hget(worker.identity, "beat")
    eventually(lambda: site.store.hget(worker.identity, "beat") != beat, 10)
    ends_in_order(site, worker)


def test_an_order_through_redis_and_then_one_by_signal_are_one(site: Site) -> None:
    worker = holding(site)
    site.store.lpush(f"{worker.identity}-signals", "TERM")
    worker.says("stopping: ", timeout=10)
    worker.signal(signal.SIGTERM)
    ends_in_order(site, worker)


def test_a_second_order_through_redis_is_heard_within_seconds(site: Site) -> None:
    worker = holding(site)
    worker.signal(signal.SIGTERM)
    worker.says("stopping: ")
    beats = {site.store.hget(worker.identity, "beat")}

    def has_beaten_again() -> bool:
        beats.add(site.store.hget(worker.identity, "beat"))
        return len(beats) > 3

    eventually(has_beaten_again, 6, message="a stopping process looks every second")
    site.store.lpush(f"{worker.identity}-signals", "TERM")
    assert worker.wait(5) == 0
    worker.says("told again")
    assert site.notes == ["begin a"]
    assert site.count("queue:default") == 1
