"""What a person runs again runs, though its jid was cancelled; a cancel after that counts again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import kiq
from kiq.api import DeadSet, Queue, RetrySet, ScheduledSet
from kiq.client import use_client
from kiq.codec import encode
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

ITERABLE = """
import kiq
from tests.helpers.jobs import note

class Steps(kiq.IterableJob):
    def build(self, *, cursor):
        return kiq.iteration.sequence([0, 1, 2, 3], cursor=cursor)

    def each(self, item):
        note(f"step {item}")
"""


def put(site: Site, key: str, text: str, score: float, **more: Any) -> str:
    """Put a job that notes *text* into a sorted set; return its jid."""
    jid = f"jid-of-{text}"
    payload = {"class": f"{JOBS}.Note", "args": [text], "jid": jid, "queue": "default", **more}
    site.store.zadd(key, {encode({**payload, "retry_count": 3}, "msgpack"): score})
    return jid


Again = Callable[[Site, str], Any]

WAYS: dict[str, tuple[str, Again]] = {
    "dead.retry": ("dead", lambda site, jid: DeadSet(site.client).find(jid).retry()),  # type: ignore[union-attr]
    "dead.add_to_queue": (
        "dead",
        lambda site, jid: DeadSet(site.client).find(jid).add_to_queue(),  # type: ignore[union-attr]
    ),
    "dead.retry_all": ("dead", lambda site, jid: DeadSet(site.client).retry_all()),
    "dead.reschedule": (
        "dead",
        lambda site, jid: DeadSet(site.client).find(jid).reschedule(time.time() + 0.2),  # type: ignore[union-attr]
    ),
    "retries.retry": ("retry", lambda site, jid: RetrySet(site.client).find(jid).retry()),  # type: ignore[union-attr]
    "retries.retry_all": ("retry", lambda site, jid: RetrySet(site.client).retry_all()),
    "scheduled.add_to_queue": (
        "schedule",
        lambda site, jid: ScheduledSet(site.client).find(jid).add_to_queue(),  # type: ignore[union-attr]
    ),
    "scheduled.reschedule": (
        "schedule",
        lambda site, jid: ScheduledSet(site.client).find(jid).reschedule(time.time() + 0.2),  # type: ignore[union-attr]
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_was_cancelled_runs_when_somebody_runs_it_again(site: Site, way: str) -> None:
    key, again = WAYS[way]
    jid = "jid-of-again"
    kiq.cancel(jid, site.client)  # before it is put there: a cancel deletes what waits in a set
    site.start()
    assert put(site, key, "again", time.time() + 3600) == jid
    assert again(site, jid)
    site.noted("again")


def test_the_command_runs_a_dead_job_that_was_cancelled(site: Site) -> None:
    site.start()
    jid = put(site, "dead", "again", time.time())
    assert kiq.cancel(jid, site.client) == "waiting or running"
    assert site.run("dead", "retry", jid).wait() == 0
    site.noted("again")


def test_a_cancel_after_that_counts_again(site: Site) -> None:
    jid = put(site, "dead", "again", time.time())
    kiq.cancel(jid, site.client)
    (entry,) = DeadSet(site.client)
    assert entry.retry()
    kiq.cancel(jid, site.client)
    worker = site.start()
    worker.says("skipped: it was cancelled", jid)
    assert site.notes == []


def test_an_iterable_job_that_was_cancelled_goes_on_from_where_it_was(site: Site) -> None:
    site.write("steps.py", ITERABLE)
    payload = {"class": "steps.Steps", "args": [], "jid": "j1", "queue": "default"}
    site.store.zadd("dead", {encode({**payload, "created_at": 1}, "msgpack"): time.time()})
    site.store.hset("it-j1", mapping={"ex": 1, "c": "1", "n": 2, "rt": 1})
    kiq.cancel("j1", site.client)
    assert site.store.hexists("it-j1", "cancelled")
    site.run("-r", "steps").wait_until_ready()
    assert DeadSet(site.client).retry_all() == 1
    site.noted("step 3")
    assert "step 0" not in site.notes


def test_the_same_jid_pushed_again_is_another_job_once_it_was_cancelled_and_cleared(
    site: Site,
) -> None:
    jid = site.push("Note", "first", jid="order-1")
    kiq.cancel(jid, site.client)
    assert Queue(client=site.client).clear() == 1
    use_client(site.client)
    try:
        assert kiq.push({"class": f"{JOBS}.Note", "args": ["second"], "jid": jid}) == jid
    finally:
        use_client(None)
    site.start()
    site.noted("second")
    eventually(lambda: site.store.get("stat:processed") == b"1")
