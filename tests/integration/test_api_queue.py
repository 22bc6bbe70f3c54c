"""kiq.api.Queue on a real server."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

import kiq
from kiq.api import JobRecord, Queue
from kiq.errors import ConfigError
from tests.helpers.server import TestServer


class Work(kiq.Job, name="api.Work", queue="work"):
    def perform(self, number: int, loud: bool = False) -> None: ...


def fill(count: int) -> None:
    Work.perform_bulk([(number,) for number in range(count)])


def numbers(queue: Queue) -> list[int]:
    return [job.args[0] for job in queue]


def test_all_names_every_queue_in_order(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    for name in ("low", "critical"):
        Work.set(queue=name).perform_async(1)
    assert [queue.name for queue in Queue.all()] == ["critical", "low"]
    assert [queue.size for queue in Queue.all()] == [1, 1]


def test_a_queue_that_does_not_exist_is_empty(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    queue = Queue("none")
    assert (queue.size, queue.latency, list(queue), queue.find("x")) == (0, 0.0, [], None)
    assert not queue.delete("x")
    assert queue.clear() == 0
    with pytest.raises(ConfigError):
        Queue("")


def test_iteration_goes_in_pages_from_the_oldest(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    fill(250)
    assert numbers(Queue("work")) == list(range(250))


def test_a_page_of_large_jobs_is_cut_short(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    for number in range(25):
        kiq.push({"class": "X", "args": [number, "x" * 300_000], "queue": "work"})
    assert numbers(Queue("work")) == list(range(25))


def test_deleting_what_it_visits_iteration_visits_every_job(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(250)
    queue = Queue("work")
    seen = []
    for job in queue:
        seen.append(job.args[0])
        assert job.delete()
        assert not job.delete()
    assert seen == list(range(250))
    assert queue.size == 0


def test_iteration_follows_a_queue_that_moves_at_both_ends(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(300)
    seen = []
    for job in Queue("work"):
        seen.append(job.args[0])
        if len(seen) == 50:
            raw.rpop("queue:work", 70)  # a worker takes the oldest
            Work.perform_async(1000)
        if len(seen) == 150:
            back: Any = raw.lindex("queue:work", -1)
            raw.rpush("queue:work", back, b"junk")  # a worker hands something back
        if len(seen) == 250:
            raw.rpop("queue:work", 60)
    assert seen == [*range(300), 1000]


def test_when_all_of_a_page_went_no_job_that_stays_is_missed(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    fill(300)
    seen = []
    for job in Queue("work"):
        seen.append(job.args[0])
        if len(seen) == 99:
            raw.rpop("queue:work", 150)
    assert seen == [*range(100), *range(150, 300)]


def test_find_and_delete_touch_the_one_job(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    fill(120)
    jid = Work.perform_async(7, loud=True)
    assert jid
    fill(3)
    queue = Queue("work")
    found = queue.find(jid)
    assert found
    assert (found.jid, found.class_name, found.args, found.kwargs, found.queue) == (
        jid,
        "api.Work",
        [7],
        {"loud": True},
        "work",
    )
    assert found.raw in raw.lrange("queue:work", 0, -1)
    assert queue.delete(jid)
    assert not queue.delete(jid)
    assert numbers(queue) == [*range(120), 0, 1, 2]


def test_clear_takes_the_name_off_too(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    fill(3)
    assert Queue("work").clear() == 3
    assert raw.keys() == []


@pytest.mark.parametrize("unit", [1, 1000], ids=["seconds", "milliseconds"])
def test_latency_is_that_of_the_oldest_job_in_either_unit(
    raw: redis.Redis, kiq_client: kiq.Client, unit: int
) -> None:
    for age in (100, 40):
        stamp = (time.time() - age) * unit
        job: dict[str, Any] = {
            "class": "X",
            "args": [],
            "enqueued_at": int(stamp) if unit > 1 else stamp,
        }
        raw.lpush("queue:work", json.dumps(job))
    assert 99 < Queue("work").latency < 130


def test_bytes_that_are_no_job_are_shown_as_such(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    raw.lpush("queue:work", b"not a job", b"", b'{"class":"X","args":[],"jid":7,"created_at":"y"}')
    first, second, third = Queue("work")
    assert (first.class_name, first.args, first.raw) == ("(undecodable)", [b"not a job"]) + (
        b"not a job",
    )
    assert first.problem
    assert "neither a JSON object nor" in first.problem
    assert second.problem == "payload is empty"
    assert third.problem is None
    assert (third.jid, third.created_at, third.kwargs, third.latency) == ("", None, {}, 0.0)
    assert Queue("work").latency == 0.0
    assert first.delete()


def test_a_broken_backtrace_is_an_empty_one() -> None:
    for text in ("%%%", "AAAA", "eJwDAAAAAAE="):
        job: dict[str, Any] = {"class": "X", "args": [], "error_backtrace": text}
        assert JobRecord(json.dumps(job).encode()).error_backtrace == []


def test_tags_batch_and_a_name_to_show_are_there_or_are_not() -> None:
    job: dict[str, Any] = {"class": "Wrapper", "args": [], "wrapped": "Mail", "bid": "b1"}
    record = JobRecord(json.dumps({**job, "tags": ["a", 5, "b"]}).encode())
    assert (record.display_class, record.bid, record.tags) == ("Mail", "b1", ["a", "b"])
    named = JobRecord(json.dumps({**job, "display_class": "Post#send", "tags": "a"}).encode())
    assert (named.display_class, named.class_name, named.tags) == ("Post#send", "Wrapper", [])
    nothing = JobRecord(b"junk")
    assert (nothing.display_class, nothing.bid, nothing.tags) == ("(undecodable)", None, [])


@pytest.mark.bare_names
def test_a_client_may_be_named(raw: redis.Redis, server: TestServer, unconfigured: None) -> None:
    raw.lpush("queue:work", b"x")
    for client in (server.url, raw, kiq.Client(raw), kiq.Client(raw, push_buffer=5)):
        assert Queue("work", client).size == 1
