"""What a dead process had in flight is let go by riders as it goes back: once, in the way of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from kiq import keys
from kiq.errors import StoreUnavailable
from kiq.plugin import Host, Ride, Rider
from kiq.riders import Riders
from kiq.settled import Settled
from kiq.store import owners
from kiq.store.connection import Link
from kiq.store.owners import Reclaimed
from kiq.store.scripts import Command
from kiq.verdict import DONE, Taken, ToRetry
from tests.helpers.capsuled import Capsuled, payloads
from tests.helpers.depot import Depot, open_link, waiting
from tests.helpers.driven import DrivenWorker
from tests.helpers.proxy import FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

COUNTS = "counts"
COUNT = "redis.call('HINCRBY', KEYS[1], ARGV[1], 1)"


def counting(name: str = "counting", key: str = COUNTS, **more: Any) -> Rider:
    """A rider that counts each delivery by its job and fate."""

    def releasing(job: Settled) -> Ride:
        return Ride([key], [f"{job.jid} {type(job.verdict).__name__} {job.token}"])

    return Rider(name, lua=COUNT, releasing=releasing, **more)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def problems() -> list[BaseException]:
    return []


@pytest.fixture
def riders(host: Host, problems: list[BaseException]) -> Riders:
    return Riders(host, lambda error, where: problems.append(error))


@pytest.fixture
def between(raw: redis.Redis, server: TestServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def depot(raw: redis.Redis, redis_url: str) -> Depot:
    return Depot(redis_url, "host:1:abc:default", "queue:a", "queue:b", "retry")


def reclaim(link: Link, depot: Depot, riders: Riders) -> Reclaimed:
    rides = riders.giving_back()
    found = owners.reclaim(link, depot.owner, proven=True, crashed=True, rides=rides)
    assert found is not None
    return found


def counted(raw: redis.Redis, key: str = COUNTS) -> dict[str, int]:
    found: Any = raw.hgetall(key)
    return {name.decode(): int(count) for name, count in found.items()}


def given_back(depot: Depot, tokens: dict[str, str]) -> dict[str, int]:
    return {f"{jid} GivenBack {depot.owner} {token}": 1 for jid, token in tokens.items()}


def test_what_a_dead_owner_had_is_let_go_with_its_delivery(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders, redis_url: str
) -> None:
    host.ride(counting())
    jobs = payloads(*(f"j{number}" for number in range(1200)))
    depot.push("a", jobs)
    taken = [*depot.take(700), *depot.take(500)]
    reclaimed = reclaim(open_link(redis_url), depot, riders)
    assert (reclaimed.moved, reclaimed.complete) == (1200, True)
    assert waiting(raw) == jobs
    tokens = {f"j{number}": one.delivery for number, one in enumerate(taken)}
    assert counted(raw) == given_back(depot, tokens)


@pytest.mark.parametrize("moment", ["before the request", "after the request", "in the reply"])
def test_a_reclaim_that_is_cut_and_done_again_lets_go_once(
    depot: Depot,
    raw: redis.Redis,
    host: Host,
    riders: Riders,
    between: FaultProxy,
    moment: Moment,
) -> None:
    host.ride(counting())
    depot.push("a", payloads(*(f"j{number}" for number in range(900))))
    taken = [*depot.take(500), *depot.take(400)]
    link, rides = open_link(between.url), riders.giving_back()
    assert rides is not None
    parts: list[int] = []

    def cut(command: Command, jobs: Sequence[Taken]) -> Any:
        parts.append(len(jobs))
        if len(parts) == 2:
            between.cut_next(moment)
        return rides(command, jobs)

    with pytest.raises(StoreUnavailable):
        owners.reclaim(link, depot.owner, proven=True, crashed=True, rides=cut)
    assert parts == [500, 400]
    assert reclaim(link, depot, riders).complete
    tokens = {f"j{number}": one.delivery for number, one in enumerate(taken)}
    assert counted(raw) == given_back(depot, tokens)
    assert raw.llen("queue:a") == 900


def test_what_two_processes_give_back_at_once_is_let_go_once(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders, redis_url: str
) -> None:
    host.ride(counting())
    depot.push("a", payloads("j1", "j2"))
    first, second = depot.take(2)
    rides = riders.giving_back()
    assert rides is not None

    def overtaken(command: Command, jobs: Sequence[Taken]) -> Any:
        reclaim(open_link(redis_url), depot, riders)
        return rides(command, jobs)

    owners.reclaim(depot.link, depot.owner, proven=True, crashed=True, rides=overtaken)
    assert counted(raw) == given_back(depot, {"j1": first.delivery, "j2": second.delivery})
    assert raw.llen("queue:a") == 2


def test_what_its_queue_refuses_is_let_go_when_it_takes_it(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders
) -> None:
    host.ride(counting())
    depot.push("a", payloads("j1"))
    depot.push("b", payloads("j2"))
    first, second = depot.take(2, "a", "b")
    raw.set("queue:a", "of the wrong type")
    assert not reclaim(depot.link, depot, riders).complete
    assert counted(raw) == given_back(depot, {"j2": second.delivery})
    raw.delete("queue:a")
    assert reclaim(depot.link, depot, riders).complete
    assert counted(raw) == given_back(depot, {"j1": first.delivery, "j2": second.delivery})


def test_a_rider_that_fails_keeps_no_job_from_coming_back(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders, problems: list[BaseException]
) -> None:
    def broken(job: Settled) -> Ride:
        raise ZeroDivisionError

    raw.set("wrong", "type")
    host.ride(counting("refused", "wrong"))
    host.ride(Rider("broken", lua="return 1", releasing=broken))
    host.ride(counting())
    depot.push("a", payloads("j1", "j2"))
    first, second = depot.take(2)
    assert reclaim(depot.link, depot, riders).complete
    assert counted(raw) == given_back(depot, {"j1": first.delivery, "j2": second.delivery})
    assert raw.llen("queue:a") == 2
    assert sorted(type(problem).__name__ for problem in problems) == [
        "StoreError",
        "ZeroDivisionError",
    ]


def test_what_a_poller_had_claimed_is_let_go_without_its_score(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders
) -> None:
    seen: list[Settled] = []
    host.ride(Rider("seen", lua="return 1", releasing=seen.append))
    (job,) = payloads("j1", args=["a|b"])
    raw.zadd("retry", {job: 7.0})
    depot.claim("retry")
    reclaim(depot.link, depot, riders)
    assert [(one.raw, one.source, one.jid) for one in seen] == [(job, "retry", "j1")]
    assert raw.zscore("retry", job) is not None


def test_what_records_is_not_asked(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders
) -> None:
    host.ride(counting(recording=lambda job: [("HSET", "seen", job.jid, 1)]))
    depot.push("a", payloads("j1"))
    depot.take(1)
    reclaim(depot.link, depot, riders)
    assert len(counted(raw)) == 1
    assert not raw.exists("seen")


def test_where_nothing_can_ride_no_job_is_read(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders
) -> None:
    host.ride(Rider("records", recording=lambda job: None))
    assert riders.giving_back() is None
    depot.push("a", payloads("j1"))
    depot.take(1)
    raw.config_resetstat()
    reclaim(depot.link, depot, riders)
    assert "cmdstat_hstrlen" not in raw.info("commandstats")


def test_large_jobs_are_read_some_at_a_time(
    depot: Depot, raw: redis.Redis, host: Host, riders: Riders
) -> None:
    parts: list[int] = []
    host.ride(counting())
    rides = riders.giving_back()
    assert rides is not None

    def noted(command: Command, jobs: Sequence[Taken]) -> Any:
        parts.append(sum(len(job.raw) for job in jobs))
        return rides(command, jobs)

    jobs = payloads(*(f"j{number}" for number in range(6)), args=["x" * 400_000])
    jobs += payloads("huge", args=["x" * 3_000_000])
    depot.push("a", jobs)
    for _ in jobs:
        depot.take(1)
    assert owners.reclaim(depot.link, depot.owner, proven=True, crashed=True, rides=noted)
    assert waiting(raw) == jobs
    assert len(counted(raw)) == 7
    sizes = [round(size, -5) for size in parts if size]
    assert sizes == [3_000_000, 800_000, 800_000, 800_000]


def test_a_job_that_never_arrives_comes_back_with_no_bytes_to_look_at(
    private_server: Callable[..., TestServer], host: Host, riders: Riders
) -> None:
    server = private_server("--client-output-buffer-limit", "normal", "100000", "0", "0")
    depot = Depot(server.url, "host:1:abc:default", "queue:a")
    seen: dict[str, str] = {}

    def releasing(job: Settled) -> None:
        seen[job.token] = job.jid

    host.ride(Rider("seen", lua="return 1", releasing=releasing))
    jobs = payloads("j1", "j2") + payloads("j3", args=["x" * 30_000_000]) + payloads("j4")
    for number, job in enumerate(jobs):
        # As a fetch would have that was sent by somebody whom Redis answers.
        depot.link.call(("HSET", depot.flight("a").key, f"1.{number}", job))
    assert reclaim(open_link(server.url), depot, riders).complete
    assert depot.link.call(("LLEN", "queue:a")) == 4
    names = [f"{depot.owner} 1.{number}" for number in range(4)]
    assert seen == dict(zip(names, ["j1", "j2", "", "j4"], strict=True))


def test_the_reclaimer_of_a_worker_asks_its_riders(
    depot: Depot, raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    depot.push("a", payloads("j1"))
    (taken,) = depot.take(1)
    raw.delete(keys.record(depot.owner))  # nobody can beat for it
    worker = DrivenWorker(redis_url, tmp_path, lease=5)
    worker._host.ride(counting())
    with worker:
        eventually(lambda: counted(raw) == given_back(depot, {"j1": taken.delivery}), 10)


def test_who_leaves_lets_go_of_what_still_runs(
    raw: redis.Redis, host: Host, between: FaultProxy
) -> None:
    host.ride(counting())
    raw.lpush("queue:a", *payloads("j1", "j2", "j3"))
    capsuled = Capsuled(between.url, host)
    owner, jobs = capsuled.owner, capsuled.jobs
    capsuled.end(DONE, ToRetry(payloads("j2")[0], 2e9))
    capsuled.round()
    assert capsuled.exchange.leave()
    assert counted(raw) == {
        f"j1 Done {owner} {jobs[0].delivery}": 1,
        f"j2 ToRetry {owner} {jobs[1].delivery}": 1,
        f"j3 GivenBack {owner} {jobs[2].delivery}": 1,
    }
    capsuled.close()
