"""Time limits and ``kiq.cancel`` as users meet them: a real worker process, without any set-up."""

from __future__ import annotations

import signal
from typing import Any

import pytest

import kiq
from kiq.codec import decode
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import UNMEASURED, Site, WorkerProcess

SETTINGS = {"KIQ_TIME_LIMIT_GRACE": "0.3", **UNMEASURED}

JOBS = """
import hashlib
import socket

import kiq
from tests.helpers.jobs import note


class Hashes(kiq.Job, time_limit=0.2):
    def perform(self, rounds):
        note("begin")
        hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", rounds)
        note("not reached")


class Reads(kiq.Job, time_limit=0.2):
    def perform(self, seconds):
        ours, theirs = socket.socketpair()
        ours.settimeout(seconds)
        note("begin")
        try:
            ours.recv(1)
        except kiq.TimeLimitExceeded as error:
            note("limit")
            raise
        finally:
            ours.close()
            theirs.close()


class Loops(kiq.Job):
    def perform(self):
        note("begin")
        while True:
            sum(range(100))
"""


@pytest.fixture
def ours(site: Site) -> Site:
    site.write("limited.py", JOBS)
    return site


def start(site: Site, *arguments: str, **settings: Any) -> WorkerProcess:
    worker = site.run(
        "-r", "limited", "-r", "tests.helpers.jobs", *arguments, **SETTINGS, **settings
    )
    return worker.wait_until_ready()


def push(site: Site, name: str, *arguments: Any, **fields: Any) -> str:
    return str(site.client.push({"class": f"limited.{name}", "args": list(arguments), **fields}))


def entries(site: Site, key: str) -> list[dict[str, Any]]:
    members: Any = site.store.zrange(key, 0, -1)
    return [decode(member)[0] for member in members]


def test_c_code_is_interrupted_when_it_returns_and_the_job_is_retried(ours: Site) -> None:
    start(ours)
    push(ours, "Hashes", 1_000_000, time_limit=0.1)
    eventually(lambda: entries(ours, "retry"), 20)
    (payload,) = entries(ours, "retry")
    assert payload["error_class"] == "kiq.errors.TimeLimitExceeded"
    assert payload["error_message"] == "the job ran longer than its time limit of 0.1 s"
    assert payload["time_limit"] == 0.1
    assert payload["retry_count"] == 0
    assert ours.notes[0] == "begin"
    assert "not reached" not in ours.notes


def test_a_socket_that_is_read_with_a_time_out_is_interrupted_when_that_is_over(ours: Site) -> None:
    start(ours)
    push(ours, "Reads", 1.0, time_limit=0.1)
    eventually(lambda: entries(ours, "retry"), 20)
    assert ours.notes[-2:] != ["begin"]


def test_too_many_stuck_threads_are_replaced_logged_and_end_the_process_with_75(
    ours: Site,
) -> None:
    worker = start(ours, "-c", "2", "-t", "1", KIQ_MAX_STUCK="2")
    first = ours.push("Stubborn", "a", 30, time_limit=0.1)
    worker.says("another thread takes its place", timeout=20)
    assert first in worker.log
    assert "time.sleep(seconds)" in worker.log
    ours.push("Note", "goes on")
    ours.noted("goes on")
    second = ours.push("Stubborn", "b", 30, time_limit=0.1)
    assert worker.wait(20) == 75
    worker.says("2 jobs are stuck", "Start it again")
    waiting: Any = ours.store.lrange("queue:default", 0, -1)
    assert {decode(job)[0]["jid"] for job in waiting} == {first, second}
    assert not ours.store.keys("kiq:inflight:*")
    assert ours.count("retry") == 0


def test_a_process_with_a_stuck_thread_stops_as_any_other(ours: Site) -> None:
    worker = start(ours, "-c", "2", "-t", "1")
    jid = ours.push("Stubborn", "a", 30, time_limit=0.1)
    worker.says("another thread takes its place", timeout=20)
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    waiting: Any = ours.store.lrange("queue:default", 0, -1)
    assert [decode(job)[0]["jid"] for job in waiting] == [jid]


def test_a_running_job_is_cancelled_from_another_process(ours: Site) -> None:
    worker = start(ours)
    jid = push(ours, "Loops")
    ours.noted("begin")
    assert kiq.cancel(jid, ours.client) == "waiting or running"
    worker.says("skipped: it was cancelled", jid)
    eventually(lambda: ours.store.get("stat:processed") == b"1")
    assert [ours.count(key) for key in ("retry", "dead", "schedule", "queue:default")] == [0] * 4


def test_a_worker_that_starts_later_knows_what_was_cancelled(ours: Site) -> None:
    cancelled, other = ours.push("Note", "cancelled"), ours.push("Note", "other")
    kiq.cancel(cancelled, ours.client)
    worker = start(ours)
    ours.noted("other")
    worker.says("skipped: it was cancelled", cancelled)
    assert other in worker.log
    assert ours.notes == ["other"]


def test_a_worker_may_do_without_either(ours: Site) -> None:
    worker = start(ours, KIQ_DISABLE_PLUGINS="time_limits cancelling")
    ours.push("Slow", "a", 0.5, time_limit=0.1)
    eventually(lambda: ours.store.get("stat:processed") == b"1")
    assert ours.count("retry") == 0
    assert worker.stop() == 0


def test_limits_and_marks_hold_after_redis_was_away(ours: Site) -> None:
    start(ours)
    clients: Any = ours.store.client_list()
    (mine,) = [one for one in clients if one["id"] == str(ours.store.client_id())]
    for one in clients:
        if one["db"] == mine["db"] and one is not mine:
            ours.store.client_kill_filter(_id=one["id"])
    jid = push(ours, "Loops")
    ours.noted("begin", timeout=20)
    kiq.cancel(jid, ours.client)
    eventually(lambda: ours.store.get("stat:processed") == b"1", 20)
