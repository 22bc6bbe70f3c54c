"""Queues of any name: each way in and out of flight, pauses, the bell, the API, whole workers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import kiq
from kiq import keys
from kiq.api import ProcessSet, Queue, Stats
from kiq.store import owners
from kiq.verdict import ToQueue, ToRetry
from tests.helpers.commands import command
from tests.helpers.depot import NOW, Depot, numbered, waiting
from tests.helpers.server import TestServer
from tests.helpers.stored import in_queue
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

NAMES = (
    *(
        "mailers/high",
        "a b",
        "ünï",
        "日本",
        " ",
        "*",
        "?[x]",
        "a,b",
        "-q",
        "%7B",
        "a%25b",
        "x" * 5000,
    ),
    *(
        "{",
        "}",
        "{}",
        "}{",
        "{tag}",
        "a{tag}b",
        "}:host:1:abc:default",
        "queue:",
        "\u2028\u202e",
        "a'\"b",
    ),
)
some_names = pytest.mark.parametrize("name", NAMES, ids=[f"name{at}" for at in range(len(NAMES))])


def names_of(store: redis.Redis, pattern: str) -> set[str]:
    return {key.decode() for key in store.keys(pattern)}  # type: ignore[union-attr]


@some_names
def test_a_job_goes_every_way_in_and_out_of_flight(
    redis_url: str, raw: redis.Redis, name: str
) -> None:
    depot = Depot(redis_url, "host:1:abc:default", keys.queue(name))
    depot.push(name, numbered(6))
    assert raw.smembers(keys.QUEUES) == {name.encode()}
    assert names_of(raw, "queue*") == {keys.QUEUES, f"queue:{name}"}
    jobs = depot.take(5, name)
    assert [job.raw for job in jobs] == numbered(5)
    assert depot.done(jobs[:1]) == [1]
    assert depot.move(jobs[1], ToRetry(b"again", NOW))[0] == 1
    assert depot.move(jobs[2], ToQueue())[0] == 1
    assert depot.hand_back(jobs[4:])[1] == 1
    contents = depot.contents(name)
    assert contents is not None
    assert list(contents.held.values()) == [{jobs[3].delivery}]
    assert depot.die(crashed=True).complete
    assert waiting(raw, name) == [b"job-3", b"job-4", b"job-2", b"job-5"]
    assert names_of(raw, "kiq:*") == {keys.SUSPECTS}


@some_names
def test_what_an_owner_without_a_record_held_is_found_and_given_back(
    redis_url: str, raw: redis.Redis, name: str
) -> None:
    depot, other = Depot(redis_url, "}:{gone:1", keys.queue(name)), Depot(redis_url, "other")
    depot.push(name, numbered(3))
    depot.take(2, name)
    raw.delete(keys.record(depot.owner))
    assert list(owners.orphans(other.link)) == [(keys.queue(name), depot.owner)]
    assert depot.die(other.link).moved == 2
    assert waiting(raw, name) == numbered(3)
    assert list(owners.orphans(other.link)) == []


@some_names
def test_the_doctor_sees_it_in_dead_hands(command_store: redis.Redis, name: str) -> None:
    command_store.hset(keys.inflight(keys.queue(name), "}:{gone:1"), mapping={"1": "a", "2": "b"})
    found = command("doctor", "--json")
    (orphans,) = [each for each in found.document["findings"] if each["check"] == "orphans"]
    assert orphans["what"].startswith("2 jobs in the hands of 1 dead owner")


@some_names
def test_due_jobs_are_claimed_and_committed(redis_url: str, raw: redis.Redis, name: str) -> None:
    poller = Depot(redis_url, "poller", keys.RETRY, keys.SCHEDULE)
    raw.zadd(keys.RETRY, {b"due": 1})
    assert poller.claim(keys.RETRY).raws == [b"due"]
    assert poller.commit(keys.RETRY, ("1.1", name, b"due")) == (1, [])
    assert waiting(raw, name) == [b"due"]
    assert raw.smembers(keys.QUEUES) == {name.encode()}


@some_names
def test_an_idle_owner_is_woken_by_a_push(redis_url: str, raw: redis.Redis, name: str) -> None:
    depot = Depot(redis_url, "host:1:abc:default", keys.queue(name))
    heard = raw.pubsub()
    heard.subscribe(keys.bell(depot.owner))
    eventually(lambda: heard.get_message(timeout=1))
    assert depot.fetch(1, name).idle_names_added == 1
    depot.push(name, numbered(1))
    message = eventually(lambda: heard.get_message(timeout=1)) or {}
    assert message["type"] == "message"
    assert raw.exists(keys.idle(name)) == 0
    heard.close()


@some_names
def test_a_queue_is_paused_shown_searched_and_cleared(
    kiq_client: kiq.Client, redis_url: str, raw: redis.Redis, name: str
) -> None:
    depot = Depot(redis_url, "host:1:abc:default", keys.queue(name))
    jid = str(kiq_client.push({"class": "X", "args": [], "queue": name}))
    queue = Queue(name)
    assert queue.pause()
    assert depot.take(1, name) == []
    assert raw.smembers(keys.PAUSED) == {name.encode()}
    (summary,) = Stats().queue_summaries()
    assert (summary.name, summary.size, summary.paused) == (name, 1, True)
    assert [each.name for each in Queue.all()] == [name]
    assert Stats().queues() == {name: 1}
    assert queue.unpause()
    (found,) = list(queue)
    assert (found.jid, found.queue) == (jid, name)
    assert len(depot.take(1, name)) == 1
    kiq_client.push({"class": "X", "args": [], "queue": name})
    assert queue.clear() == 1
    assert Queue.all() == []


@some_names
def test_the_commands_take_the_name(command_store: redis.Redis, name: str) -> None:
    assert command("push", "X", "1", "-q", name).code == 0
    (job,) = in_queue(command_store, name)
    assert job["queue"] == name
    (listed,) = command("queues", "--json").document["queues"]
    assert listed["name"] == name
    assert len(command("queues").lines) == 2
    shown = command("queues", "--json", "--", name)
    assert [each["jid"] for each in shown.document["jobs"]] == [job["jid"]]
    assert command("pause", "--", name).code == 0
    assert command_store.smembers(keys.PAUSED) == {name.encode()}
    assert command("unpause", "--", name).code == 0
    assert command("clear-queue", "-y", "--", name).out == "deleted 1 job\n"
    assert command("queues", "--", name).err.startswith("there is no queue ")


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    alone = Site(server, tmp_path, codec="json")
    yield alone
    alone.close()


def test_a_worker_serves_promotes_retries_and_shows_every_name(site: Site) -> None:
    listed = "".join(f"  - [{json.dumps(name)}, 1]\n" for name in NAMES)
    site.write("config/kiq.yml", f"codec: json\nconcurrency: 3\nqueues:\n{listed}")
    worker = site.start()
    for at, name in enumerate(NAMES):
        site.push("Note", f"pushed {at}", queue=name)
        due = {"class": f"{JOBS}.Note", "args": [f"due {at}"], "queue": name, "jid": f"due{at}"}
        later = {**due, "args": [f"retried {at}"], "jid": f"again{at}", "retry_count": 0}
        site.store.zadd("schedule", {json.dumps(due): time.time() + 0.1})
        site.store.zadd("retry", {json.dumps(later): time.time() + 0.1})
    site.noted(*(f"{how} {at}" for how in ("pushed", "due", "retried") for at in range(len(NAMES))))
    assert site.count("dead") == 0
    eventually(lambda: site.store.exists(worker.identity))
    (process,) = ProcessSet(site.client)
    assert set(process.queues) == set(NAMES)
    assert worker.stop() == 0
    assert site.store.keys("kiq:inflight:*") == []
    assert site.store.keys("kiq:idle:*") == []


def test_a_retry_queue_of_any_name_is_used(site: Site) -> None:
    worker = site.start("-q", "default", "-q", "a {b}")
    site.push("Fails", queue="default", retry_queue="a {b}", retry=1)
    eventually(lambda: site.count("retry") == 1, 10)
    (entry,) = site.store.zrange("retry", 0, -1)  # type: ignore[misc]
    assert json.loads(entry)["queue"] == "a {b}"
    site.hurry("retry")
    eventually(lambda: site.count("dead") == 1, 10)
    (entry,) = site.store.zrange("dead", 0, -1)  # type: ignore[misc]
    assert json.loads(entry)["retry_count"] == 1
    assert worker.stop() == 0


def test_the_command_line_names_queues_with_spaces_and_commas(site: Site) -> None:
    worker = site.start("-q", "a b,2", "-q", "c,d,1", "-q", "{e}")
    for name in ("a b", "c,d", "{e}"):
        site.push("Note", name, queue=name)
    site.noted("a b", "c,d", "{e}")
    worker.says("queues 'a b,2' c,d,1 '{e},1'")
    assert worker.stop() == 0
