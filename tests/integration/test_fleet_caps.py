"""A cap of the whole fleet is exact in the step of a fetch, and a slot is a delivery."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.config import Capsule
from kiq.errors import PluginError
from kiq.plugin import FleetCap, Host, Ride, in_flight
from kiq.store import owners
from kiq.store.scripts import Command
from kiq.verdict import DONE, ToDead, ToQueue, ToRetry, Verdict
from kiq.work import pace
from kiq.work.caps import Caps
from tests.helpers.capsuled import Capsuled, payloads
from tests.helpers.depot import Depot, open_link, waiting
from tests.helpers.driven import BLINK, DrivenWorker, Ledger, released
from tests.helpers.proxy import FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
SLOTS = "slots"


def cap(
    most: int, name: str = "cap", queue: str = "a", slots: str = SLOTS, **other: str
) -> FleetCap:
    """At most so many of *queue*; *other* pieces take the place of these."""
    pieces = {
        "room": "return ARGV[1] - redis.call('SCARD', KEYS[1])",
        "took": "redis.call('SADD', KEYS[1], unpack(TOKENS))",
        "freed": "redis.call('SREM', KEYS[1], TOKEN)",
    }
    return FleetCap(
        name,
        asked=lambda each: Ride([slots], [most]) if each == queue else None,
        **{**pieces, **other},
    )


def slots(raw: redis.Redis, key: str = SLOTS) -> set[str]:
    found: Any = raw.smembers(key)
    return {token.decode() for token in found}


def held(raw: redis.Redis, queue: str = "a") -> set[str]:
    """The deliveries of *queue* that are in flight, whoever has them."""
    before = f"kiq:inflight:{{queue:{queue}}}:"
    return {
        f"{key.decode().removeprefix(before)} {field.decode()}"
        for key in raw.scan_iter(f"{before}*")
        for field in raw.hkeys(key)  # type: ignore[union-attr]
    }


@pytest.fixture
def host() -> Host:
    made = Host()
    made.error_handlers.clear()
    return made


@pytest.fixture
def problems(host: Host) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    host.error_handlers[:] = [lambda error, where: found.append((str(error), where))]
    return found


@pytest.fixture
def between(raw: redis.Redis, server: TestServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def depot(raw: redis.Redis, redis_url: str) -> Depot:
    return Depot(redis_url, "host:1:abc:default", "queue:few")


class Fleet:
    """Capsules that take from queues a and b; the test does their rounds."""

    def __init__(self, url: str, host: Host, raw: redis.Redis) -> None:
        self._url, self._host, self._raw = url, host, raw
        self._all: list[Capsuled] = []

    def join(self) -> Capsuled:
        """Return another, which has done its first round."""
        made = Capsuled(self._url, self._host, ("a", "b"))
        self._all.append(made)
        return made

    def close(self) -> None:
        for each in self._all:
            each.close()


@pytest.fixture
def fleet(between: FaultProxy, host: Host, raw: redis.Redis, problems: object) -> Iterator[Fleet]:
    made = Fleet(between.url, host, raw)
    yield made
    made.close()


def push(raw: redis.Redis, count: int, queue: str = "a") -> list[bytes]:
    """Push jobs as a client does; return them, the next one first."""
    made = payloads(*(f"{queue}{number}" for number in range(count)))
    raw.lpush(f"queue:{queue}", *made)
    return made


def test_all_together_take_no_more_than_they_may(
    fleet: Fleet, raw: redis.Redis, host: Host
) -> None:
    host.cap_fleet(cap(7))
    jobs = push(raw, 20)
    push(raw, 3, "b")
    first, second, third = fleet.join(), fleet.join(), fleet.join()
    # Five threads each, and short jobs: any of them would take all there are.
    assert [len(each.jobs) for each in (first, second, third)] == [10, 0, 0]
    assert [job.raw for job in first.jobs if job.flight.queue == "a"] == jobs[:7]
    assert waiting(raw) == jobs[7:]
    assert slots(raw) == held(raw)
    assert len(slots(raw)) == 7


@pytest.mark.parametrize(
    "verdict",
    [
        DONE,
        ToRetry(b"r", 2e9),
        ToDead(b"d", 2e9),
        ToQueue(),
        ToQueue(last=True),
    ],
)
def test_a_slot_is_free_in_the_step_that_settles(
    fleet: Fleet, raw: redis.Redis, host: Host, verdict: Verdict
) -> None:
    host.cap_fleet(cap(3))
    push(raw, 3)
    capsuled = fleet.join()
    # Of the first the server is told the script, behind the rest of the write.
    capsuled.handover.outbox.append((capsuled.jobs[2], verdict))
    capsuled.exchange.quiet = True
    capsuled.round()
    capsuled.exchange.quiet = False
    assert slots(raw) == held(raw)
    assert len(slots(raw)) == 2
    capsuled.end(verdict, verdict)
    push(raw, 3)
    capsuled.exchange.pace.look_at = 0.0
    capsuled.round()  # settles, and fetches behind that, in one write
    assert slots(raw) == held(raw)
    assert len(slots(raw)) == 3
    assert not slots(raw) & {f"{capsuled.owner} {job.delivery}" for job in capsuled.jobs}


def test_what_goes_back_unstarted_frees_its_slots(
    fleet: Fleet, raw: redis.Redis, host: Host
) -> None:
    host.cap_fleet(cap(2))
    push(raw, 3)
    capsuled = fleet.join()
    capsuled.inbox.put(list(capsuled.jobs))
    capsuled.exchange.quiet = True
    capsuled.round()
    assert slots(raw) == held(raw) == set()
    assert len(fleet.join().jobs) == 2


def test_the_death_of_its_process_frees_a_slot(
    fleet: Fleet, raw: redis.Redis, host: Host, redis_url: str
) -> None:
    host.cap_fleet(cap(2))
    push(raw, 3)
    dead, other = fleet.join(), fleet.join()
    assert other.jobs == []
    rides = other.worker.riders.giving_back()
    link = open_link(redis_url)
    assert owners.reclaim(link, dead.owner, proven=True, crashed=True, rides=rides)
    assert slots(raw) == set()
    fleet.join()
    assert slots(raw) == held(raw)
    assert len(slots(raw)) == 2
    # What the dead one says late frees nobody else's.
    dead.end(DONE, DONE)
    dead.exchange.begin()
    dead.exchange.end()
    assert len(slots(raw)) == 2


@pytest.mark.parametrize("moment", ["before the request", "after the request", "in the reply"])
def test_slots_are_what_is_in_flight_wherever_a_fetch_is_cut(
    fleet: Fleet, raw: redis.Redis, host: Host, between: FaultProxy, moment: Moment
) -> None:
    host.cap_fleet(cap(4))
    push(raw, 3)
    capsuled = fleet.join()
    push(raw, 9)
    capsuled.end(DONE, ToRetry(b"r", 2e9))
    capsuled.exchange.pace.look_at = 0.0
    between.cut_next(moment)
    capsuled.broken_round()
    eventually(lambda: slots(raw) == held(raw))  # Redis may run what it was sent after the cut
    for _ in range(3):
        capsuled.exchange.pace.look_at = 0.0
        capsuled.round()
        assert slots(raw) == held(raw)
        assert len(slots(raw)) <= 4
    assert len(slots(raw)) == 4
    assert len(capsuled.inbox) == 3  # and the one of the first fetch, which runs


def test_of_several_caps_the_least_counts(fleet: Fleet, raw: redis.Redis, host: Host) -> None:
    host.cap_fleet(cap(5, "wide", slots="of wide"))
    host.cap_fleet(cap(3, "narrow", slots="of narrow"))
    host.cap_fleet(cap(0, "none", room="return nil", slots="of none"))
    push(raw, 9)
    capsuled = fleet.join()
    assert len(capsuled.jobs) == 3
    for key in ("of wide", "of narrow", "of none"):
        assert slots(raw, key) == held(raw)
    capsuled.end(DONE, DONE, DONE)
    capsuled.exchange.quiet = True
    capsuled.round()
    assert not raw.exists("of wide", "of narrow", "of none")


def test_one_of_the_process_counts_beside_it(fleet: Fleet, raw: redis.Redis, host: Host) -> None:
    host.cap_fleet(cap(5))
    host.cap_fetches(lambda capsule, held: {"a": 2})
    push(raw, 9)
    assert len(fleet.join().jobs) == 2
    assert len(slots(raw)) == 2


FAILS = "redis.call('HSET', KEYS[1], 'a', 1)"  # the key is a set's


@pytest.mark.parametrize("room", [FAILS, "return 'many'", "return 0 / 0", "return {}", "no_such()"])
def test_a_queue_whose_room_is_unknown_is_closed_and_the_others_go_on(
    fleet: Fleet, raw: redis.Redis, host: Host, problems: list[Any], room: str
) -> None:
    host.cap_fleet(cap(5, room=room))
    raw.sadd(SLOTS, "somebody's 1.1")
    push(raw, 3)
    push(raw, 3, "b")
    capsuled = fleet.join()
    assert {job.flight.queue for job in capsuled.jobs} == {"b"}
    capsuled.exchange.fetches._caps._closed.clear()  # a second later
    capsuled.exchange.pace.look_at = 0.0
    capsuled.round()
    assert raw.llen("queue:a") == 3
    assert capsuled.heard()
    assert [where for _, where in problems] == [{"context": "cap cap", "queue": "a"}]


def test_what_can_not_be_noted_goes_back_and_the_others_go_on(
    fleet: Fleet, raw: redis.Redis, host: Host, problems: list[Any]
) -> None:
    host.cap_fleet(cap(50, "first", slots="of first"))
    host.cap_fleet(cap(50, took="redis.call('SADD', KEYS[1], TOKENS[1]) " + FAILS))
    jobs = push(raw, 3)
    others = push(raw, 3, "b")
    capsuled = fleet.join()
    capsuled.round()  # it has asked what it has
    assert [job.raw for job in (*capsuled.jobs, *capsuled.inbox.drain()[::-1])] == others
    assert waiting(raw) == jobs
    assert slots(raw) == slots(raw, "of first") == held(raw) == set()
    assert capsuled.heard()
    assert [where for _, where in problems] == [{"context": "cap cap", "queue": "a"}]
    assert "WRONGTYPE" in problems[0][0]


def test_a_cap_whose_python_fails_closes_its_queue(
    fleet: Fleet, raw: redis.Redis, host: Host, problems: list[Any]
) -> None:
    def asked(queue: str) -> Ride | None:
        if queue == "a":
            raise ZeroDivisionError
        return None

    host.cap_fleet(FleetCap("broken", asked=asked, room="return 1", took="", freed=""))
    push(raw, 3)
    push(raw, 3, "b")
    assert {job.flight.queue for job in fleet.join().jobs} == {"b"}
    assert raw.llen("queue:a") == 3
    assert [where for _, where in problems] == [{"context": "cap broken", "queue": "a"}]


def test_a_free_slot_wakes_somebody_while_jobs_wait(
    fleet: Fleet, raw: redis.Redis, host: Host
) -> None:
    host.cap_fleet(cap(2))
    push(raw, 3)
    busy, idle = fleet.join(), fleet.join()
    listener = raw.pubsub()
    listener.subscribe(f"kiq:bell:{idle.owner}")
    assert listener.get_message(timeout=5)
    assert raw.sismember("kiq:idle:a", idle.owner)
    busy.exchange.quiet = True
    busy.end(DONE)
    busy.round()
    assert not raw.sismember("kiq:idle:a", idle.owner)
    assert (listener.get_message(timeout=5) or {})["type"] == "message"
    raw.delete("queue:a")
    raw.sadd("kiq:idle:a", idle.owner)
    busy.handover.outbox.append((busy.jobs[1], DONE))
    busy.round()
    assert slots(raw) == set()
    assert raw.sismember("kiq:idle:a", idle.owner)  # there is nothing to wake it for
    listener.close()


class TwoWorkers:
    """Two workers of one job each, of a queue of which one may be in flight; they count their rounds."""

    def __init__(self, url: str, folder: Path) -> None:
        released.clear()
        self.ledger = Ledger(url)
        capsule = Capsule(queues=(("a", 1),))
        self.workers = [DrivenWorker(url, folder / name, capsule) for name in ("one", "two")]
        for worker in self.workers:
            worker._host.cap_fleet(cap(1))

    def __enter__(self) -> TwoWorkers:
        for worker in self.workers:
            worker.__enter__()
        self.ledger.push([("waits", 30.0), BLINK], queue="a")
        eventually(lambda: self.ledger.began(0), 10, message="the first runs")
        return self

    def __exit__(self, *_: object) -> None:
        released.set()
        for worker in self.workers:
            worker.__exit__(None, None, None)
        self.ledger.close()

    @property
    def rounds(self) -> int:
        return sum(sum(worker.rounds.values()) for worker in self.workers)


def test_a_bell_wakes_who_waits_for_room(
    redis_url: str, raw: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_IDLE_POLL", 3600.0)  # by itself nobody looks
    with TwoWorkers(redis_url, tmp_path) as two:
        eventually(lambda: raw.scard("kiq:idle:a") == 2, 10, message="both are idle")
        assert not two.ledger.began(1)
        released.set()
        eventually(lambda: two.ledger.began(1), 10, message="the second runs")


def test_who_waits_for_room_looks_no_more_often_than_at_an_empty_queue(
    redis_url: str, raw: redis.Redis, tmp_path: Path
) -> None:
    with TwoWorkers(redis_url, tmp_path) as two:
        began, rounds = time.monotonic(), two.rounds
        eventually(lambda: two.rounds >= rounds + 20, 30, message="they look now and then")
        assert time.monotonic() - began > 0.5  # every 100 ms each
        assert not two.ledger.began(1)


def test_a_full_redis_refuses_nothing_of_it(
    private_server: Callable[..., TestServer], host: Host
) -> None:
    server = private_server("--maxmemory-policy", "noeviction")
    raw = server.client()
    host.cap_fleet(cap(2))
    jobs = push(raw, 4)
    capsuled = Capsuled(server.url, host)
    capsuled.end(DONE, DONE)
    raw.config_set("maxmemory", 1)
    capsuled.round()
    capsuled.exchange.pace.look_at = 0.0
    capsuled.round()
    assert waiting(raw) == []
    assert [job.raw for job in capsuled.inbox.drain()[::-1]] == jobs[2:]
    assert slots(raw) == held(raw)
    assert len(slots(raw)) == 2
    raw.config_set("maxmemory", 0)
    capsuled.close()


def test_what_is_deleted_from_its_queue_frees_nothing(raw: redis.Redis, kiq_client: object) -> None:
    freed = "redis.call('RPUSH', KEYS[2], TOKEN)"
    kiq.host.cap_fleet(
        FleetCap("noting", lambda queue: Ride([SLOTS, "freed"]), room="", took="", freed=freed)
    )
    push(raw, 2)
    assert api.Queue("a").clear() == 2
    assert not raw.exists("freed")


def test_where_nothing_is_capped_the_fetch_is_the_bare_one(host: Host) -> None:
    command: Command = ("EVALSHA", "0" * 40, 1, "a", "b")
    caps = Caps(host, host.report)
    host.cap_fleet(cap(2, queue="elsewhere"))
    assert caps.around(command, ["a", "b"], print) == (command, print)


def test_a_token_is_a_name_by_which_a_sweep_finds_what_is_over(
    fleet: Fleet, raw: redis.Redis, host: Host, redis_url: str
) -> None:
    host.cap_fleet(cap(1))
    push(raw, 1)
    capsuled = fleet.join()
    (token,) = slots(raw)
    link = open_link(redis_url)
    assert link.call(in_flight("a", token)) == 1
    # Somebody gives it back who has no such cap.
    Depot(redis_url, capsuled.owner, "queue:a").die()
    assert slots(raw) == {token}
    assert link.call(in_flight("a", token)) == 0


def test_the_sweep_of_the_page_frees_what_is_over_and_nothing_else(
    depot: Depot, raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    (text,) = re.findall(r"```python\n(# five\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    page: dict[str, Any] = {"__name__": "page"}
    exec(text, page)  # noqa: S102 (our own page)
    depot.push("few", payloads("j1"))
    (taken,) = depot.take(1, "few")
    lives = f"{depot.owner} {taken.delivery}"
    raw.sadd("five:slots", lives, f"{depot.owner} 7.1", "nobody:1:abc:default 1.1")
    worker = DrivenWorker(redis_url, tmp_path)
    worker._host.install(page["Five"]())
    with worker:
        eventually(lambda: slots(raw, "five:slots") == {lives}, 10)


def test_a_second_cap_of_a_name_is_refused(host: Host) -> None:
    first = host.cap_fleet(cap(2))
    assert host.cap_fleet(first) is first
    assert len(host.riders) == len(host.fleet_caps) == 1
    with pytest.raises(PluginError, match="two riders are named 'cap'"):
        host.cap_fleet(cap(3))
    assert len(host.fleet_caps) == 1
