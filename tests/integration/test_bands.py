"""Bands of a queue: jobs of other priorities have lists of their own, and are the queue's all the same."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis

import kiq
from kiq import api, keys, testing
from kiq.client import Client
from kiq.clock import steady
from kiq.config import Capsule
from kiq.errors import PayloadError
from kiq.plugin import FleetCap, Host, Ride
from kiq.priority import NAMES
from kiq.store import owners
from kiq.store.fetch import bands_command
from kiq.verdict import DONE, ToQueue
from tests.helpers.capsuled import Capsuled, payloads
from tests.helpers.depot import Depot, open_link
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually

HIGH, LOW = "a\x1f:high", "a\x1f:low"
_ran: list[tuple[str, float]] = []


class Urgent(kiq.Job, queue="a", priority="high"):
    """Notes its name."""

    def perform(self, name: str) -> None:
        """Note *name*, and when it ran."""
        _ran.append((name, time.monotonic()))


class Slow(kiq.Job, queue="a"):
    """Takes some time."""

    def perform(self) -> None:
        """Take two milliseconds."""
        time.sleep(0.002)


class Fails(kiq.Job, queue="a", retry_queue="again"):
    """Fails."""

    def perform(self) -> None:
        """Ask for a retry at once."""
        raise kiq.Retry(0.01)


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    _ran.clear()


@pytest.fixture
def host() -> Host:
    made = Host()
    made.error_handlers.clear()
    return made


Join = Callable[..., Capsuled]


@pytest.fixture
def join(raw: redis.Redis, redis_url: str, host: Host) -> Iterator[Join]:
    """Let another capsule serve the queues a and b, whose bands it knows; the test does its rounds."""
    made: list[Capsuled] = []

    def one(*known: str) -> Capsuled:
        raw.sadd(keys.QUEUES, "a", *known)
        made.append(Capsuled(redis_url, host, ("a", "b")))
        return made[-1]

    yield one
    for each in made:
        each.close()


def push(
    raw: redis.Redis, *names: str, priority: str = "normal", queue: str = "a", **fields: object
) -> None:
    """Push jobs as a client does."""
    place = queue if priority == "normal" else keys.band(queue, priority)
    raw.lpush(keys.queue(place), *payloads(*names, priority=priority, queue=queue, **fields))
    raw.sadd(keys.QUEUES, place)


def fetch(capsuled: Capsuled) -> list[str]:
    """Let it look at its queues now; return the jids of what it took."""
    capsuled.exchange.rung()
    capsuled.round()
    return jids(capsuled)


def jids(capsuled: Capsuled) -> list[str]:
    """Take what is in the inbox; return the jids, the first to run first."""
    capsuled.jobs = capsuled.inbox.drain()[::-1]
    return [api.JobRecord(taken.raw).jid for taken in capsuled.jobs]


def lists(raw: redis.Redis, queue: str = "a") -> dict[str, list[str]]:
    """What waits in each band, the next one first; bands with nothing are left out."""
    found: dict[str, list[str]] = {}
    for name, place in zip(NAMES, keys.bands(queue), strict=True):
        raws: Any = raw.lrange(keys.queue(place), 0, -1)
        if raws:
            found[name] = [api.JobRecord(each).jid for each in reversed(raws)]
    return found


# Where a push goes


@pytest.mark.parametrize(
    ("priority", "band"),
    [
        *(("high", "high"), ("normal", "normal"), ("low", "low"), (None, "normal")),
        *((-1, "high"), (-100, "high"), (0, "normal"), (1, "low"), (100, "low")),
    ],
)
def test_a_push_goes_to_the_band_of_its_priority(
    raw: redis.Redis, kiq_client: Client, priority: Any, band: str
) -> None:
    jid = Urgent.set(priority=priority).perform_async("x")
    assert lists(raw) == {band: [jid]}
    Urgent.set(priority=priority).perform_bulk([("y",), ("z",)])
    assert len(lists(raw)[band]) == 3
    kiq_client.push({"class": "Any", "args": [], "queue": "a", "priority": priority})
    assert len(lists(raw)[band]) == 4


def test_a_class_has_a_priority(raw: redis.Redis, kiq_client: Client) -> None:
    jid = Urgent.perform_async("x")
    assert lists(raw) == {"high": [jid]}
    assert raw.smembers("queues") == {HIGH.encode()}


@pytest.mark.parametrize("wrong", ["urgent", "", True, 1.5, 2**40, [], "High"])
def test_a_priority_that_is_none_is_refused(kiq_client: Client, wrong: Any) -> None:
    with pytest.raises(kiq.ConfigError, match="priority must be 'high', 'normal', 'low', or"):
        Urgent.set(priority=wrong)
    with pytest.raises(PayloadError, match="'priority' must be"):
        kiq_client.push({"class": "Any", "args": [], "priority": wrong})


def test_a_push_without_one_sends_what_it_sent_before(raw: redis.Redis, kiq_client: Client) -> None:
    kiq_client.push({"class": "Any", "args": [], "queue": "a"})
    assert raw.smembers("queues") == {b"a"}
    (one,) = api.Queue("a", kiq_client)
    assert "priority" not in one.payload


# What takes from bands


def test_the_higher_comes_first(raw: redis.Redis, join: Join) -> None:
    one = join(HIGH, LOW)
    push(raw, "l", priority="low")
    push(raw, "n")
    push(raw, "h1", "h2", priority="high")
    found = fetch(one)
    assert found[0] == "h1"
    assert found.index("n") < found.index("l")
    assert sorted(found) == ["h1", "h2", "l", "n"]


def test_what_goes_back_goes_to_its_band(raw: redis.Redis, join: Join) -> None:
    one = join(HIGH, LOW)
    for name in NAMES:
        push(raw, name, priority=name)
    assert sorted(fetch(one)) == sorted(NAMES)
    one.inbox.put(list(one.jobs))
    one.exchange.quiet = True
    one.round()
    assert lists(raw) == {name: [name] for name in NAMES}
    assert not any(raw.hlen(key) for key in raw.scan_iter("kiq:inflight:*"))


@pytest.mark.parametrize("last", [True, False])
def test_a_verdict_that_sends_a_job_back_sends_it_to_its_band(
    raw: redis.Redis, join: Join, last: bool
) -> None:
    one = join(HIGH)
    push(raw, "h", priority="high")
    assert fetch(one) == ["h"]
    one.end(ToQueue(last))
    one.exchange.quiet = True
    one.round()
    assert lists(raw) == {"high": ["h"]}


def test_the_jobs_of_a_process_that_died_go_back_to_their_bands(
    raw: redis.Redis, redis_url: str, join: Join
) -> None:
    one = join(HIGH, LOW)
    for name in NAMES:
        push(raw, name, priority=name)
    assert sorted(fetch(one)) == sorted(NAMES)
    link = open_link(redis_url)
    given = owners.reclaim(link, one.owner, proven=True, crashed=True)
    assert given is not None
    assert given.complete
    assert given.moved == 3
    assert lists(raw) == {name: [name] for name in NAMES}
    assert set(raw.smembers("queues")) >= {HIGH.encode(), LOW.encode()}
    link.close()


def test_the_record_says_of_a_band_before_anything_is_taken_of_it(
    raw: redis.Redis, join: Join
) -> None:
    one = join()
    sources = raw.hget(keys.record(one.owner), "sources")
    assert sources == b"queue:a\nqueue:b"
    push(raw, "h", priority="high")
    one.exchange.fetches.bands.look_at = 0.0
    one.exchange.rung()
    one.round()
    assert raw.hget(keys.record(one.owner), "sources") == f"queue:a\nqueue:b\nqueue:{HIGH}".encode()
    assert lists(raw) == {"high": ["h"]}
    one.round()
    assert jids(one) == ["h"]
    # Another name of the same process knows as much.
    one.exchange.session.renew()
    one.round()
    record = raw.hget(keys.record(one.owner), "sources")
    assert f"queue:{HIGH}".encode() in bytes(record or b"").split(b"\n")


def test_a_look_that_is_sent_twice_notes_a_band_once(raw: redis.Redis, redis_url: str) -> None:

    depot = Depot(redis_url)
    raw.sadd("queues", "a", HIGH)
    for _ in range(2):
        assert depot.link.call(bands_command(depot.owner, [HIGH, LOW])) == [1, 0]
    assert raw.hget(keys.record(depot.owner), "sources") == f"queue:a\nqueue:{HIGH}".encode()
    raw.delete(keys.record(depot.owner))
    assert depot.link.call(bands_command(depot.owner, [HIGH, LOW])) == []
    assert not raw.exists(keys.record(depot.owner))
    raw.delete("queues")
    raw.set("queues", "no set")
    owners.register(depot.link, depot.owner, 60, ["queue:a"], {})
    assert depot.link.call(bands_command(depot.owner, [HIGH, LOW])) == []


def test_a_paused_queue_gives_nothing_of_its_bands(
    raw: redis.Redis, join: Join, kiq_client: Client
) -> None:
    one = join(HIGH, LOW)
    api.Queue("a", kiq_client).pause()
    for name in NAMES:
        push(raw, name, priority=name)
    for _ in range(3):
        assert fetch(one) == []
    api.Queue("a", kiq_client).unpause()
    assert sorted(fetch(one)) == sorted(NAMES)


def test_a_cap_of_the_fleet_holds_for_the_queue_as_a_whole(
    raw: redis.Redis, host: Host, join: Join
) -> None:
    host.cap_fleet(
        FleetCap(
            "cap",
            asked=lambda queue: Ride(["slots"], [2]) if queue == "a" else None,
            room="return ARGV[1] - redis.call('SCARD', KEYS[1])",
            took="redis.call('SADD', KEYS[1], unpack(TOKENS))",
            freed="redis.call('SREM', KEYS[1], TOKEN)",
        )
    )
    one = join(HIGH, LOW)
    for name in NAMES:
        push(raw, f"{name}1", f"{name}2", priority=name)
    ran = []
    for _ in range(12):
        found = fetch(one)
        assert raw.scard("slots") == len(found) <= 2
        ran += found
        one.end(*[DONE] * len(found))
    assert Counter(ran) == Counter(f"{name}{n}" for name in NAMES for n in (1, 2))


def test_what_took_can_not_note_goes_back_to_its_band(
    raw: redis.Redis, host: Host, join: Join
) -> None:
    host.error_handlers[:] = [lambda _error, _where: None]
    host.cap_fleet(
        FleetCap(
            "cap",
            asked=lambda queue: Ride(["fail"], []) if queue == "a" else None,
            room="return nil",
            took="if redis.call('EXISTS', KEYS[1]) == 1 then error('no') end",
            freed="",
        )
    )
    one = join(HIGH, LOW)
    for name in NAMES:
        push(raw, f"{name}1", f"{name}2", priority=name)
    raw.set("fail", "1")
    assert fetch(one) == []
    assert lists(raw) == {name: [f"{name}1", f"{name}2"] for name in NAMES}


# Between queues


@pytest.mark.parametrize("mode", ["strict", "weighted"])
def test_a_band_is_its_queues_between_queues(
    raw: redis.Redis, redis_url: str, host: Host, mode: Any, tmp_path: Path
) -> None:
    capsule = Capsule(queues=(("a", 1), ("b", 3)), mode=mode, concurrency=1)
    for number in range(40):
        push(raw, f"ah{number}", priority="high")
        push(raw, f"b{number}", queue="b")
    ran: list[str] = []

    class Noting(kiq.Job, name="Any"):
        def perform(self) -> None:
            ran.append(self.jid)

    with DrivenWorker(redis_url, tmp_path, capsule, host=host):
        eventually(lambda: len(ran) == 80)
    if mode == "strict":
        assert all(jid.startswith("a") for jid in ran[5:40])
    else:
        share = sum(jid.startswith("b") for jid in ran[:40])
        assert 22 <= share <= 38, ran[:40]


# How soon


def test_the_first_job_of_a_band_starts_at_once_where_somebody_is_idle(
    raw: redis.Redis, redis_url: str, kiq_client: Client, host: Host, tmp_path: Path
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(queues=(("a", 1),), concurrency=1), host=host):
        Urgent.set(priority="normal").perform_async("warm")
        eventually(lambda: len(_ran) == 1)
        eventually(lambda: raw.scard("kiq:idle:a") == 1)
        pushed = time.monotonic()
        Urgent.perform_async("first")
        eventually(lambda: len(_ran) == 2)
        assert _ran[1][1] - pushed < 2.0


def test_the_first_job_of_a_band_is_found_by_one_who_is_busy(
    redis_url: str, kiq_client: Client, host: Host, tmp_path: Path, raw: redis.Redis
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(queues=(("a", 1),), concurrency=1), host=host):
        Slow.perform_bulk([()] * 100_000)
        eventually(lambda: raw.llen("queue:a") < 99_990)
        Urgent.perform_async("first")
        eventually(lambda: bool(_ran), timeout=20)
        raw.delete("queue:a")


def test_a_bell_that_brings_nothing_lets_it_look_for_bands(raw: redis.Redis, join: Join) -> None:
    one = join()
    push(raw, "h", priority="high")
    bands = one.exchange.fetches.bands
    bands.look_at = never = steady() + 3600
    assert fetch(one) == []
    assert bands.look_at < never
    eventually(lambda: fetch(one) == ["h"])


# Retries and schedules


def test_what_is_due_comes_to_its_band(
    raw: redis.Redis, redis_url: str, kiq_client: Client, host: Host, tmp_path: Path
) -> None:
    jid = Slow.set(priority="low", queue="nobody").perform_in(0.1)
    with DrivenWorker(redis_url, tmp_path, Capsule(queues=(("a", 1),), concurrency=1), host=host):
        eventually(lambda: lists(raw, "nobody") == {"low": [jid]})
    assert raw.zcard("schedule") == 0


def test_a_retry_comes_to_its_band(
    raw: redis.Redis, redis_url: str, kiq_client: Client, host: Host, tmp_path: Path
) -> None:
    jid = Fails.set(priority=-3).perform_async()
    with DrivenWorker(redis_url, tmp_path, Capsule(queues=(("a", 1),), concurrency=1), host=host):
        eventually(lambda: lists(raw, "again") == {"high": [jid]})


def test_a_dead_job_that_is_retried_comes_to_its_band(raw: redis.Redis, kiq_client: Client) -> None:
    for at, name in enumerate(NAMES):
        raw.zadd("dead", dict.fromkeys(payloads(name, priority=name), at))
        raw.zadd("retry", dict.fromkeys(payloads(f"{name}2", priority=name), at))
    api.DeadSet(kiq_client).retry_all()
    for entry in api.RetrySet(kiq_client):
        entry.add_to_queue()
    assert lists(raw) == {name: [name, f"{name}2"] for name in NAMES}


# The data API


def test_a_queue_shows_all_its_bands(raw: redis.Redis, kiq_client: Client) -> None:
    queue = api.Queue("a", kiq_client)
    for name in NAMES:
        push(raw, f"{name}1", f"{name}2", priority=name, enqueued_at=1_700_000_000_000)
    assert queue.size == 6
    assert queue.bands == {"high": 2, "normal": 2, "low": 2}
    found = list(queue)
    assert [job.jid for job in found] == [f"{name}{n}" for name in NAMES for n in (1, 2)]
    assert [job.band for job in found] == [name for name in NAMES for _ in (1, 2)]
    assert {job.queue for job in found} == {"a"}
    assert queue.latency > 0
    assert [each.name for each in api.Queue.all(kiq_client)] == ["a"]
    assert queue.delete("low1")
    assert found[0].delete()
    stats = api.Stats(kiq_client)
    assert stats.queues() == {"a": 4}
    assert stats.enqueued == 4
    (summary,) = stats.queue_summaries()
    assert (summary.name, summary.size) == ("a", 4)
    assert summary.bands == {"high": 1, "normal": 2, "low": 1}
    assert summary.latency > 0
    assert queue.clear() == 4
    assert not raw.smembers("queues")
    assert not raw.exists(*(keys.queue(name) for name in keys.bands("a")))


def test_a_queue_without_priorities_has_no_bands_to_tell_of(
    raw: redis.Redis, kiq_client: Client
) -> None:
    push(raw, "x")
    (summary,) = api.Stats(kiq_client).queue_summaries()
    assert summary.bands == {}


def test_rubys_tools_see_the_names_of_bands(raw: redis.Redis, kiq_client: Client) -> None:
    # Sidekiq::Stats sums the lists of all members of the set; Sidekiq::Queue.all lists these.
    for name in NAMES:
        Urgent.set(priority=name).perform_async("x")
    members: Any = raw.smembers("queues")
    assert members == {b"a", HIGH.encode(), LOW.encode()}
    assert sum(raw.llen(f"queue:{name.decode()}") for name in members) == 3


def test_in_tests_what_is_high_runs_first() -> None:
    with testing.scoped("fake"):
        for name in ("low", "normal", "high", "low"):
            Urgent.set(priority=name).perform_async(name)
        assert {job.queue for job in testing.jobs()} == {"a"}
        testing.drain()
    assert [name for name, _ in _ran] == ["high", "normal", "low", "low"]


def test_the_page_does_what_it_says(raw: redis.Redis, kiq_client: Client) -> None:
    page = (Path(__file__).parents[2] / "docs" / "priorities.md").read_text("utf-8")
    module = ModuleType("app_of_the_page")
    sys.modules[module.__name__] = module
    try:
        for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
            exec(compile(block, "docs/priorities.md", "exec"), vars(module))  # noqa: S102
    finally:
        del sys.modules[module.__name__]
    assert api.Queue("mailers", kiq_client).bands == {"high": 1, "normal": 1, "low": 1_000}
