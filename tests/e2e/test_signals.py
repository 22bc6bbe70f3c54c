"""What signals do, from the system and through Redis."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from kiq.codec import decode
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import UNMEASURED, Site, WorkerProcess


def waiting(site: Site, queue: str = "default") -> list[str]:
    """The first arguments of what waits in a queue, the next one first."""
    raws = reversed(site.store.lrange(f"queue:{queue}", 0, -1))  # type: ignore[arg-type]
    return [decode(raw)[0]["args"][0] for raw in raws]


def holding(site: Site, *labels: str, **variables: str) -> WorkerProcess:
    """A worker with two threads that run ``Hold`` for each of *labels*."""
    worker = site.start("-c", "2", "-t", "1", **variables)
    for label in labels:
        site.push("Hold", label)
    site.noted(*(f"begin {label}" for label in labels))
    return worker


def test_tstp_takes_no_more_and_lets_running_jobs_end(site: Site) -> None:
    worker = holding(site, "a", "b")
    for label in ("c", "d", "e"):
        site.push("Note", label)
    worker.signal(signal.SIGTSTP)
    worker.says("quiet: no more jobs are taken")
    eventually(lambda: waiting(site) == ["c", "d", "e"], message="the buffer was handed back")
    site.release("a")
    site.release("b")
    site.noted("end a", "end b")
    eventually(lambda: not site.store.keys("kiq:inflight:*"), message="nothing is in flight")
    assert waiting(site) == ["c", "d", "e"]
    assert worker.running
    assert worker.stop() == 0


def test_a_quiet_process_takes_its_name_off_the_idle_sets(site: Site) -> None:
    worker = site.start()
    eventually(lambda: site.store.scard("kiq:idle:default") == 1, message="it waits for a bell")
    worker.signal(signal.SIGTSTP)
    eventually(lambda: site.store.scard("kiq:idle:default") == 0, message="it swallows no bell")
    assert worker.running


def test_quiet_promotes_nothing(site: Site) -> None:
    worker = site.start()
    worker.signal(signal.SIGTSTP)
    worker.says("quiet: ")
    site.push("Note", "due", at=time.time() + 0.3)
    assert worker.stop() == 0
    assert site.count("schedule") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_short_jobs_end(site: Site, number: signal.Signals) -> None:
    worker = holding(site, "a")
    worker.signal(number)
    worker.says("stopping: running jobs have 1 s")
    site.release("a")
    assert worker.wait(5) == 0
    assert site.notes == ["begin a", "end a"]
    assert not site.store.keys("kiq:inflight:*")
    assert site.store.get("stat:processed") == b"1"
    worker.says("bye")


def test_a_job_longer_than_the_timeout_goes_back_uncounted(site: Site) -> None:
    worker = holding(site, "a", "b")
    began = time.monotonic()
    assert worker.stop() == 0
    assert 1 < time.monotonic() - began < 6
    assert sorted(waiting(site)) == ["a", "b"]
    assert site.count("retry") == 0
    raw = site.store.lindex("queue:default", 0)
    assert "retry_count" not in decode(raw)[0]  # type: ignore[arg-type]
    assert not site.store.keys("kiq:inflight:*")
    assert not site.store.keys("kiq:owner*")
    assert not [note for note in site.notes if note.startswith(("end", "error"))]
    worker.says("2 jobs did not finish in 1 s")


def test_a_job_that_no_exception_reaches_goes_back_all_the_same(site: Site) -> None:
    worker = site.start("-t", "0.2", **UNMEASURED)
    site.push("Stubborn", "stuck", 30)
    site.noted("begin stuck")
    assert worker.stop(5.2) == 0
    assert waiting(site) == ["stuck"]
    assert not site.store.keys("kiq:inflight:*")


def test_a_second_term_makes_the_deadline_now(site: Site) -> None:
    worker = site.start("-t", "60")
    site.push("Hold", "a")
    site.noted("begin a")
    worker.signal(signal.SIGTERM)
    worker.says("stopping: running jobs have 60 s")
    worker.signal_again(signal.SIGTERM)
    assert worker.wait(5) == 0
    assert waiting(site) == ["a"]
    # What they were given, not what they would have been given.
    assert re.search(r"1 jobs did not finish in 1(\.\d)? s", worker.log)


def test_a_stop_that_two_people_order_through_redis_is_one(site: Site) -> None:
    worker = site.start("-t", "60")
    site.push("Hold", "a")
    site.noted("begin a")
    site.store.lpush(f"{worker.identity}-signals", "TERM", "TERM", "TERM")
    worker.says("stopping: running jobs have 60 s", timeout=15)
    site.release("a")
    assert worker.wait(10) == 0
    assert site.notes == ["begin a", "end a"]
    assert "told again" not in worker.log


def test_a_third_term_ends_it_where_it_stands(site: Site) -> None:
    site.write("lingers.py", "import atexit, time\natexit.register(time.sleep, 30)\n")
    worker = site.start("-r", "lingers", "-t", "60", **UNMEASURED)
    site.push("Stubborn", "stuck", 30)
    site.noted("begin stuck")
    for words in ("stopping: ", "told again: "):
        worker.signal_again(signal.SIGTERM)
        worker.says(words)
    worker.signal_again(signal.SIGTERM)
    assert worker.wait(5) == 128 + signal.SIGTERM


def test_ttin_logs_where_each_thread_is(site: Site) -> None:
    worker = holding(site, "a")
    worker.signal(signal.SIGTTIN)
    worker.says("thread kiq-default-")
    worker.says("in perform")
    worker.says("thread kiq-courier-default")
    worker.says("thread MainThread")
    site.release("a")
    site.noted("end a")


def test_signals_through_redis_are_heard(site: Site) -> None:
    worker = site.start(KIQ_LEASE="6")  # so that it listens every second
    # All at once: what the Web UI sends while a worker is busy must come in order.
    site.store.lpush(f"{worker.identity}-signals", "TTIN")
    site.store.lpush(f"{worker.identity}-signals", "NONSENSE")
    site.store.lpush(f"{worker.identity}-signals", "TSTP")
    worker.says("thread kiq-heartbeat")
    worker.says("unknown signal was sent through Redis: 'NONSENSE'")
    worker.says("quiet: ")
    eventually(lambda: site.store.hget(worker.identity, "quiet") == b"true", 10)
    site.store.lpush(f"{worker.identity}-signals", "TERM")
    assert worker.wait(10) == 0


def test_a_signal_to_a_child_of_a_job_does_not_stop_the_worker(site: Site) -> None:
    worker = site.start()
    site.push("Forks")
    eventually(lambda: any(note.startswith("child ") for note in site.notes))
    child = next(int(note.split()[1]) for note in site.notes if note.startswith("child "))
    os.kill(child, signal.SIGTERM)
    site.noted(f"ended {-signal.SIGTERM}")
    site.push("Note", "still here")
    site.noted("still here")
    assert "stopping" not in worker.log
