"""What a compatible implementation does, where no other test says it: docs/sidekiq-compatibility.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

PLUGIN = """
import sys

from tests.helpers.jobs import note


class Beats:
    name = "beats"

    def install(self, host):
        for event in ("heartbeat", "beat"):
            host.on(event)(lambda event=event: note(event))
        host.on_error(lambda error, context: note(f"error {type(error).__name__}"))
        host.around_perform(self.leave)

    @staticmethod
    def leave(context, call_next):
        if context.payload["args"] == ["leave"]:
            sys.exit(3)
        return call_next(context)
"""


class Numbered(kiq.Job, name="forty.Numbered"):
    def perform(self, number: int) -> None: ...


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    alone = Site(server, tmp_path, codec="json")
    yield alone
    alone.close()


def stored(store: redis.Redis, queue: str) -> list[dict[str, Any]]:
    """The jobs of a queue, the next one first."""
    found: Any = store.lrange(f"queue:{queue}", 0, -1)
    return [json.loads(each) for each in found[::-1]]


@pytest.mark.parametrize(("count", "batch_size"), [(1_001, None), (10_000, 5_000)])
def test_a_bulk_over_a_batch_has_an_id_for_each_and_is_read_a_slice_at_a_time(
    raw: redis.Redis, kiq_client: kiq.Client, count: int, batch_size: int | None
) -> None:
    ahead = []

    def arguments() -> Iterator[tuple[int]]:
        for number in range(count):
            ahead.append(number + 1 - int(raw.llen("queue:default")))  # type: ignore[arg-type]
            yield (number,)

    jids = Numbered.perform_bulk(arguments(), batch_size=batch_size)
    assert len(set(jids)) == count
    assert None not in jids
    assert raw.llen("queue:default") == count
    assert max(ahead) == min(count, batch_size or 1000)


def test_an_id_that_a_push_brings_is_kept_and_each_job_of_a_bulk_gets_its_own(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    jids = Numbered.perform_bulk([(1,), (2,)])
    assert len(set(jids)) == 2
    pushed: Any = raw.lrange("queue:default", 0, -1)
    assert len(pushed) == 2
    kiq.push({"class": "forty.Numbered", "args": [1], "jid": "mine"})
    newest: Any = raw.lindex("queue:default", 0)
    assert b"mine" in newest


def test_what_falls_due_keeps_its_time_of_making_and_gets_a_new_one_of_entering(
    site: Site,
) -> None:
    long_ago = int((time.time() - 1000) * 1000)
    for key in ("schedule", "retry"):
        member: dict[str, Any] = {
            "class": f"{JOBS}.Note",
            "args": [key],
            "jid": key,
            "queue": "waiting",
            "created_at": long_ago,
            "odd": {"a": []},
        }
        site.store.zadd(key, {json.dumps(member): time.time() - 1})
        site.store.zadd(key, {json.dumps({**member, "jid": "later"}): time.time() + 1000})
    site.start("-q", "other")
    found = eventually(
        lambda: (lambda jobs: jobs if len(jobs) == 2 else None)(stored(site.store, "waiting"))
    )
    assert {job["jid"] for job in found} == {"schedule", "retry"}
    for job in found:
        assert job["created_at"] == long_ago
        assert job["enqueued_at"] > long_ago + 900_000
        assert job["odd"] == {"a": []}
    assert site.count("schedule") == site.count("retry") == 1


def test_the_event_heartbeat_fires_once_and_beat_at_every_beat(site: Site) -> None:
    site.write("beats.py", PLUGIN)
    site.write("kiq.yml", f"require: [{JOBS}]\nplugins: ['beats:Beats']\nlease: 6\n")
    site.start("-C", "kiq.yml")
    eventually(lambda: site.notes.count("beat") >= 3)
    assert site.notes.count("heartbeat") == 1
    assert site.notes[:2] == ["heartbeat", "beat"]


def test_the_one_thread_of_a_worker_outlives_whatever_its_jobs_raise(site: Site) -> None:
    site.write("beats.py", PLUGIN)
    site.write("kiq.yml", f"require: [{JOBS}]\nplugins: ['beats:Beats']\nconcurrency: 1\n")
    site.start("-C", "kiq.yml")
    site.push("Note", "leave")
    site.push("Fails", "fails", 1)
    site.push("Note", "goes on")
    site.noted("error SystemExit", "goes on")
    assert site.count("retry") == 2
