"""``kiq run --drain``: works off what is there, and its exit code says whether that was all."""

from __future__ import annotations

import signal
import time

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

CODE = """
import kiq

done = 0

@kiq.job(name="Chain")
def chain(left):
    if left:
        chain.perform_async(left - 1)

@kiq.job(name="Later")
def later():
    global done
    done += 1
    if done == 1:
        raise kiq.Retry(0.3)

@kiq.job(name="Fails", queue="low")
def fails():
    raise ValueError("never")

@kiq.job(name="Long")
def long():
    import time
    time.sleep(60)
"""


def push(site: Site, name: str, *args: object, **fields: object) -> None:
    site.client.push({"class": name, "args": list(args), **fields})


def drained(site: Site, *flags: str, code: str = CODE) -> WorkerProcess:
    site.write("drain_jobs.py", code)
    return site.run("run", "--drain", *flags, "-q", "default", "-q", "low", "-r", "drain_jobs")


def test_what_is_there_and_what_jobs_push_is_worked_off(site: Site) -> None:
    for _ in range(3):
        push(site, "Chain", 40)
    push(site, "Chain", 2, at=time.time() + 0.01)
    push(site, "Chain", 0, at=time.time() + 3600)
    eventually(lambda: site.store.zcount("schedule", 0, time.time()))
    worker = drained(site, "-c", "2")
    assert worker.wait() == 0, worker.log
    worker.says("worked off: 126 jobs done, 0 failed, 1 retries or scheduled jobs are due later")
    assert (site.count("queue:default"), site.count("schedule")) == (0, 1)


def test_where_nothing_is_it_ends_at_once_and_well(site: Site) -> None:
    worker = drained(site)
    assert worker.wait() == 0
    worker.says("worked off: 0 jobs done, 0 failed")


def test_failures_and_what_a_paused_queue_keeps_are_told_by_the_exit_code(site: Site) -> None:
    push(site, "Fails", queue="low")
    worker = drained(site)
    assert worker.wait() == 1
    worker.says("worked off: 0 jobs done, 1 failed, 1 retries")
    site.store.flushdb()
    site.store.sadd("paused", "low")
    push(site, "Fails", queue="low")
    worker = drained(site)
    assert worker.wait() == 1
    worker.says("0 jobs done, 0 failed, 1 left in paused queues")


def test_retries_that_are_due_soon_are_waited_for_when_asked(site: Site) -> None:
    push(site, "Later")
    worker = drained(site, "--drain-wait", "60")
    assert worker.wait(30) == 0, worker.log
    worker.says("worked off: 1 jobs done, 0 failed")
    assert site.count("retry") == 0


def test_what_a_dead_process_had_is_waited_for(site: Site) -> None:
    site.write("drain_jobs.py", CODE)
    push(site, "Long")
    first = site.run("-q", "default", "-r", "drain_jobs").wait_until_ready()
    first.says("class=Long", "start")
    first.signal(signal.SIGKILL)
    first.wait()
    worker = drained(site, code=CODE.replace("time.sleep(60)", "pass"))
    assert worker.wait(40) == 0, worker.log
    worker.says("worked off: 1 jobs done, 0 failed")


def test_one_that_is_stopped_before_has_not_done_all(site: Site) -> None:
    push(site, "Long")
    worker = drained(site, "-t", "0.1")
    worker.says("class=Long", "start")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 1
    assert site.count("queue:default") == 1


@pytest.mark.parametrize("flags", [("--drain-wait", "3"), ("--drain", "--processes", "2")])
def test_flags_that_do_not_go_together_are_refused(site: Site, flags: tuple[str, ...]) -> None:
    assert site.run("run", *flags).wait() == 2
