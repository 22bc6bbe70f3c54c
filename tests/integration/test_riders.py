"""What rides on a settling write happens once for each job that was settled, whatever breaks between."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.codec import encode
from kiq.config import Capsule
from kiq.errors import PluginError
from kiq.plugin import Host, Ride, Rider, queue_keys
from kiq.settled import Settled
from kiq.verdict import DONE, ToRetry
from tests.helpers.capsuled import Capsuled, payloads
from tests.helpers.depot import Depot, open_link
from tests.helpers.driven import DrivenWorker
from tests.helpers.proxy import FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.ways_out import TABLE, Leaves, attach_vetoes

COUNTS = "counts"
PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def counting(**more: Any) -> Rider:
    """A rider that counts each job by its fate."""
    return Rider(
        "counting",
        lua="redis.call('HINCRBY', KEYS[1], ARGV[1], 1)",
        releasing=lambda job: Ride([COUNTS], [f"{job.jid} {type(job.verdict).__name__}"]),
        **more,
    )


def counted(raw: redis.Redis) -> dict[str, int]:
    found: Any = raw.hgetall(COUNTS)
    return {name.decode(): int(count) for name, count in found.items()}


@pytest.fixture
def host() -> Host:
    made = Host()
    made.error_handlers.clear()
    return made


@pytest.fixture
def reported(host: Host) -> list[tuple[BaseException, dict[str, Any]]]:
    problems: list[tuple[BaseException, dict[str, Any]]] = []
    host.error_handlers[:] = [lambda error, where: problems.append((error, where))]
    return problems


@pytest.fixture
def between(raw: redis.Redis, server: TestServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def capsuled(
    raw: redis.Redis, between: FaultProxy, host: Host, reported: object
) -> Iterator[Capsuled]:
    raw.lpush("queue:a", *payloads("j1", "j2", "j3"))
    made = Capsuled(between.url, host)
    yield made
    made.close()


ENDS = (DONE, ToRetry(payloads("j2")[0], 2e9), DONE)
ALL = {"j1 Done": 1, "j2 ToRetry": 1, "j3 Done": 1}


def test_every_way_out_of_flight_releases_once(
    redis_url: str, raw: redis.Redis, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    worker = DrivenWorker(redis_url, tmp_path, Capsule(queues=(("out", 1),), concurrency=2))
    worker._host.ride(counting())
    attach_vetoes(worker._host)
    with worker:
        pushed = {push(): fates for push, fates in TABLE.values()}
        open_link(redis_url).call(("LPUSH", "queue:out", b"\xc1 no job"))
        expected = Counter({" ToDead": 1})
        expected.update(f"{jid} {fate.__name__}" for jid, fates in pushed.items() for fate in fates)

        def without_hand_backs() -> dict[str, int]:
            return {name: n for name, n in counted(raw).items() if not name.endswith(" ToQueue")}

        eventually(lambda: without_hand_backs() == expected, 20, message=f"{counted(raw)}")
    assert without_hand_backs() == expected
    assert not [where for _, where in worker.problems if "rider" in str(where.get("context"))]


@pytest.mark.parametrize("moment", ["before the request", "after the request", "in the reply"])
def test_what_is_sent_again_releases_once_and_records_before(
    capsuled: Capsuled, raw: redis.Redis, host: Host, between: FaultProxy, moment: Moment
) -> None:
    host.ride(
        counting(recording=lambda job: [("HSET", "seen", job.jid, type(job.verdict).__name__)])
    )
    capsuled.end(*ENDS)
    between.cut_next(moment)
    capsuled.broken_round()
    capsuled.round()
    assert counted(raw) == ALL
    assert raw.hgetall("seen") == {b"j1": b"Done", b"j2": b"ToRetry", b"j3": b"Done"}
    capsuled.round()
    assert counted(raw) == ALL


def test_what_records_is_there_when_the_job_is_settled(
    capsuled: Capsuled, raw: redis.Redis, host: Host
) -> None:
    releasing = Rider(
        "looking",
        lua="redis.call('SET', KEYS[1], redis.call('GET', KEYS[2]) or 'nothing')",
        releasing=lambda job: Ride([f"saw:{job.jid}", f"seen:{job.jid}"]),
        recording=lambda job: [("SET", f"seen:{job.jid}", "recorded")],
    )
    host.ride(releasing)
    for job, verdict in zip(capsuled.jobs, ENDS, strict=True):
        # One by one: at the first the server has to be told the script, and that one comes last.
        capsuled.handover.outbox.append((job, verdict))
        capsuled.round()
    assert [raw.get(f"saw:{jid}") for jid in ("j1", "j2", "j3")] == [b"recorded"] * 3


@pytest.mark.parametrize("size", [0, 1000, 1001, 20_000])
def test_a_piece_gets_all_that_its_ride_brings(
    capsuled: Capsuled, raw: redis.Redis, host: Host, size: int
) -> None:
    lua = "redis.call('HSET', KEYS[1], ARGV[1], #KEYS .. ' ' .. #ARGV .. ' ' .. ARGV[#ARGV])"
    names = [COUNTS, *map(str, range(size))]
    rider = Rider("many", lua=lua, releasing=lambda job: Ride(names, [job.jid, *range(size + 1)]))
    host.ride(rider)
    capsuled.end(*ENDS)
    capsuled.round()
    told = f"{size + 1} {size + 2} {size}".encode()
    assert raw.hgetall(COUNTS) == {b"j1": told, b"j2": told, b"j3": told}


def test_what_a_fenced_owner_settles_late_releases_nothing(
    capsuled: Capsuled, raw: redis.Redis, host: Host, redis_url: str
) -> None:
    host.ride(counting())
    capsuled.end(*ENDS)
    Depot(redis_url, capsuled.owner).die()
    capsuled.exchange.begin()
    capsuled.exchange.end()
    assert counted(raw) == {}


def test_what_the_target_refuses_releases_nothing_yet(
    capsuled: Capsuled, raw: redis.Redis, host: Host
) -> None:
    host.ride(counting())
    raw.set("retry", "of the wrong type")
    capsuled.end(*ENDS)
    capsuled.round()
    assert counted(raw) == {"j1 Done": 1, "j3 Done": 1}
    raw.delete("retry")

    def settled() -> bool:
        capsuled.round()  # it is tried again after a while
        return not capsuled.exchange.settler.owing

    eventually(settled, 5)
    assert counted(raw) == ALL


def test_of_several_only_those_that_were_in_flight_are_released(
    capsuled: Capsuled, raw: redis.Redis, host: Host
) -> None:
    host.ride(counting())
    capsuled.end(DONE, DONE, DONE)
    raw.hdel(capsuled.jobs[1].flight.key, capsuled.jobs[1].delivery)
    capsuled.round()
    assert counted(raw) == {"j1 Done": 1, "j3 Done": 1}


def test_a_piece_that_fails_is_reported_once_and_keeps_nothing_from_being_settled(
    capsuled: Capsuled, raw: redis.Redis, host: Host, reported: list[Any]
) -> None:
    raw.set("wrong", "type")
    host.ride(
        Rider(
            "broken",
            lua="redis.call('HSET', KEYS[1], 'a', 1)",
            releasing=lambda job: Ride(["wrong"]),
        )
    )
    host.ride(counting(recording=lambda job: [("HSET", "wrong", "a", 1)]))
    capsuled.end(*ENDS)
    capsuled.round()
    assert counted(raw) == ALL
    assert raw.zcard("retry") == 1
    assert raw.hlen(capsuled.jobs[0].flight.key) == 0
    assert capsuled.heard()
    assert sorted(where["context"] for _, where in reported) == ["rider broken", "rider recording"]
    assert all("WRONGTYPE" in str(error) for error, _ in reported)


def test_python_that_fails_is_reported_once_and_keeps_nothing_from_being_settled(
    capsuled: Capsuled, raw: redis.Redis, host: Host, reported: list[Any]
) -> None:
    def broken(job: Settled) -> Any:
        raise ZeroDivisionError

    host.ride(Rider("broken", lua="return 1", releasing=broken, recording=broken))
    host.ride(counting())
    capsuled.end(*ENDS)
    capsuled.round()
    assert counted(raw) == ALL
    assert capsuled.heard()
    assert [type(error) for error, _ in reported] == [ZeroDivisionError]


def test_the_last_to_go_pushes_a_job_in_the_same_step(
    capsuled: Capsuled, raw: redis.Redis, host: Host, redis_url: str
) -> None:
    callback = encode({"class": "Callback", "args": [], "queue": "c", "jid": "cb"}, "json")
    host.ride(
        Rider(
            "members",
            lua="""
            if redis.call('SREM', KEYS[4], ARGV[1]) == 1 and redis.call('EXISTS', KEYS[4]) == 0 then
              enqueue(KEYS[1], KEYS[2], KEYS[3], ARGV[2], ARGV[3])
            end
            """,
            releasing=lambda job: Ride([*queue_keys("c"), "members"], [job.jid, "c", callback]),
        )
    )
    raw.sadd("members", "j1", "j2", "j3")
    waiter = Depot(redis_url, "host:2:def:default", "queue:c")
    waiter.fetch(1, "c")
    assert raw.sismember("kiq:idle:c", waiter.owner)
    capsuled.end(*ENDS)
    capsuled.round()
    assert raw.lrange("queue:c", 0, -1) == [callback]
    assert raw.sismember("queues", "c")
    assert not raw.sismember("kiq:idle:c", waiter.owner)


def test_a_server_that_forgot_its_scripts_is_told_them(
    capsuled: Capsuled, raw: redis.Redis, host: Host
) -> None:
    host.ride(counting())
    raw.script_flush()
    capsuled.end(*ENDS)
    capsuled.round()
    assert counted(raw) == ALL


def test_hand_backs_release(capsuled: Capsuled, raw: redis.Redis, host: Host) -> None:
    host.ride(counting())
    capsuled.inbox.put(list(capsuled.jobs))
    capsuled.exchange.quiet = True
    capsuled.round()
    assert counted(raw) == {f"{jid} ToQueue": 1 for jid in ("j1", "j2", "j3")}
    assert raw.llen("queue:a") == 3


def test_only_jobs_with_its_field_are_a_riders_business(
    raw: redis.Redis, between: FaultProxy, host: Host, reported: list[Any]
) -> None:
    asked: list[str] = []

    def releasing(job: Settled) -> Ride:
        asked.append(job.jid)
        return Ride([COUNTS], [f"{job.jid} {type(job.verdict).__name__}"])

    lua = "redis.call('HINCRBY', KEYS[1], ARGV[1], 1)"
    host.ride(Rider("members", lua=lua, releasing=releasing, payload_field="bid"))
    raw.lpush("queue:a", *payloads("j1"), *payloads("j2", bid="b"), *payloads("j3", args=["bid"]))
    capsuled = Capsuled(between.url, host)
    capsuled.end(DONE, DONE, DONE)
    capsuled.round()
    assert asked == ["j2"]
    assert counted(raw) == {"j2 Done": 1}
    capsuled.close()


def test_without_riders_the_same_is_sent_as_ever(capsuled: Capsuled) -> None:
    commands = [("EVALSHA", "0" * 40, 0), ("EXISTS", "a")]
    given, read = capsuled.worker.riders.in_flight(commands, [[(capsuled.jobs[0], DONE)]])
    assert given == commands
    assert read([1, 2]) == [1, 2]


def test_a_second_rider_of_a_name_is_refused(host: Host) -> None:
    rider = host.ride(counting())
    assert host.ride(rider) is rider
    with pytest.raises(PluginError, match="two riders are named 'counting'"):
        host.ride(counting())
    with pytest.raises(PluginError, match="a word in small letters, not 'No Name'"):
        Rider("No Name")
    with pytest.raises(PluginError, match="lua and releasing go together"):
        Rider("half", lua="return 1")


# The page


def test_the_counter_of_the_page_counts_each_job_once_whatever_breaks(
    raw: redis.Redis, between: FaultProxy, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    (text,) = re.findall(r"```python\n(# outcomes\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    page: dict[str, Any] = {"__name__": "page"}
    exec(text, page)  # noqa: S102 (our own page)
    worker = DrivenWorker(between.url, tmp_path, Capsule(queues=(("out", 1),), concurrency=2))
    worker._host.install(page["Outcomes"]())
    Leaves.perform_bulk([("ends",)] * 1_000 + [("discards",)] * 500)

    def settled() -> int:
        return int(raw.getrange("stat:processed", 0, -1) or 0)

    def until(count: int) -> None:
        eventually(lambda: settled() >= count, 30, interval=0.001)

    with worker:
        for part in range(1, 6):
            until(200 * part)
            between.cut_next("after the request")
            between.cut_all()
        until(1_500)
    assert settled() == 1_500
    outcomes: Counter[str] = Counter()
    for key in raw.scan_iter("outcomes:*"):
        found: Any = raw.hgetall(key)
        outcomes.update({name.decode().rpartition(".")[2]: int(n) for name, n in found.items()})
    assert outcomes == {"Leaves Done": 1_000, "Leaves Dropped": 500}


# What people delete


@pytest.mark.parametrize(
    ("act", "fate"),
    [
        (lambda: api.RetrySet().clear(), "Deleted"),
        (lambda: api.RetrySet().delete_all(), "Deleted"),
        (lambda: [entry.delete() for entry in list(api.RetrySet())], "Deleted"),
        (lambda: api.RetrySet().kill_all(), "ToDead"),
        (lambda: [entry.kill(notify=False) for entry in list(api.RetrySet())], "ToDead"),
    ],
)
def test_what_leaves_a_set_by_hand_releases(
    raw: redis.Redis, kiq_client: kiq.Client, act: Callable[[], object], fate: str
) -> None:
    kiq.host.ride(counting())
    raw.zadd("retry", {payloads(f"j{number}")[0]: number for number in range(120)})
    act()
    assert counted(raw) == {f"j{number} {fate}": 1 for number in range(120)}
    assert raw.zcard("retry") == 0


def test_what_leaves_a_queue_by_hand_releases(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    kiq.host.ride(counting())
    raw.lpush("queue:a", *payloads(*(f"j{number}" for number in range(120))))
    entry = api.Queue("a").find("j7")
    assert entry is not None
    assert entry.delete()
    assert not entry.delete()
    assert api.Queue("a").clear() == 119
    assert counted(raw) == {f"j{number} Deleted": 1 for number in range(120)}


def test_what_was_gone_already_releases_nothing(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    kiq.host.ride(counting())
    raw.zadd("retry", {payloads("j1")[0]: 1})
    entry = api.RetrySet().find("j1")
    assert entry is not None
    raw.delete("retry")
    assert not entry.delete()
    assert not entry.kill(notify=False)
    assert counted(raw) == {}
