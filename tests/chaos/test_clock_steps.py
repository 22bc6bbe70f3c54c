"""Clocks that are set while all is at work, and clocks that are wrong: all live, and all comes in time."""

from __future__ import annotations

import signal
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kiq import keys
from kiq.clock import wall
from tests.chaos.arena import Arena
from tests.chaos.clocks import NEEDS_SETTABLE_CLOCK, SettableClock, kiq_ahead_by
from tests.chaos.crew import WORKERS, again_and_again, assert_quiet, crew, lasts
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

LEASE = 5
#: Seconds after a death until its jobs are back: the lease, six looks, and an election.
BOUND = LEASE + 6 + 5
MINUTE, HOUR = 60, 3600


@pytest.fixture
def clock(tmp_path: Path) -> SettableClock:
    """The clock of the server."""
    return SettableClock(tmp_path)


@pytest.fixture
def stepped(
    private_server: Callable[..., TestServer],
    tmp_path: Path,
    clock: SettableClock,
    request: pytest.FixtureRequest,
) -> Iterator[Arena]:
    """An arena whose server has a clock that can be set."""
    server = private_server(aof="everysec", through=clock.command)
    place = Arena(server, tmp_path, zlib.crc32(request.node.name.encode()))
    yield place
    place.close()


def redis_time(arena: Arena) -> float:
    """What Redis takes the time to be, in seconds."""
    answer: Any = arena.store.time()
    return float(answer[0] + answer[1] / 1e6)


@NEEDS_SETTABLE_CLOCK
@WORKERS
def test_nobody_is_declared_dead_while_redis_clock_is_set_forward_again_and_again(
    stepped: Arena, clock: SettableClock, workers: int
) -> None:
    crew(stepped, workers, lease=LEASE)
    steps = [MINUTE, HOUR, 2 * LEASE] * 5

    def step() -> None:
        lasts(stepped.random.uniform(0, LEASE / 4))  # a beat comes each sixth of a lease
        stepped.mixed(40)
        clock.step(steps.pop())

    again_and_again(stepped, len(steps), step)
    assert redis_time(stepped) > wall() + 5 * HOUR
    stepped.verify()
    assert_quiet(stepped)


@NEEDS_SETTABLE_CLOCK
@pytest.mark.parametrize("first", ["the death", "the step"])
def test_redis_clock_set_back_around_the_death_of_who_is_elected_stops_nothing(
    stepped: Arena, clock: SettableClock, first: str
) -> None:
    doomed = stepped.start(lease=LEASE, run="elsewhere")
    for duty in (keys.POLLER, keys.RECLAIMER):
        eventually(lambda duty=duty: _holder(stepped, duty) == doomed.identity, 10)
    heir = stepped.start(lease=LEASE)
    stranded = _begin_in(stepped, doomed, besides=heir)
    if first == "the step":
        clock.step(-HOUR)
    stepped.kill(doomed)
    if first == "the death":
        clock.step(-HOUR)
    assert _holder(stepped, keys.POLLER) == _holder(stepped, keys.RECLAIMER) == doomed.identity
    due = {stepped.push("FailsOnce") for _ in range(20)} | _schedule(stepped, 20, after=1)
    eventually(lambda: due <= stepped.journal.ended(), BOUND, message="what is due runs")
    eventually(lambda: stranded <= stepped.journal.ended(), BOUND, message="what was cut short too")
    stepped.verify()


def _schedule(arena: Arena, count: int, after: float) -> set[str]:
    """Schedule jobs for so many seconds from now by Redis's clock, whatever ours would make of it."""
    jids = {arena.push("Quick", at=wall() + HOUR) for _ in range(count)}
    due = redis_time(arena) + after
    members: Any = arena.store.zrange(keys.SCHEDULE, 0, -1)
    arena.store.zadd(keys.SCHEDULE, dict.fromkeys(members, due))
    return jids


def _holder(arena: Arena, duty: str) -> str:
    value: Any = arena.store.get(duty)
    return (value or b"").decode()


def _begin_in(arena: Arena, worker: WorkerProcess, besides: WorkerProcess) -> set[str]:
    """Let jobs begin in *worker*, and not in *besides*; return them."""
    besides.stop_where_it_is()
    jids = {arena.push("Takes", 3.0) for _ in range(5)}

    def begun() -> bool:
        return jids <= {j for word, j, pid in arena.journal.lines() if pid == str(worker.pid)}

    eventually(begun, 10, message="they run")
    besides.signal(signal.SIGCONT)
    return jids


@NEEDS_SETTABLE_CLOCK
def test_redis_clock_set_back_while_all_live_harms_nobody(
    stepped: Arena, clock: SettableClock
) -> None:
    crew(stepped, 4, lease=LEASE)

    def step() -> None:
        lasts(stepped.random.uniform(0, LEASE / 4))
        clock.step(-HOUR)

    again_and_again(stepped, 4, step)
    due = redis_time(stepped) + 1
    _schedule(stepped, 20, after=1)
    stepped.push_many(20, "FailsOnce")
    stepped.verify()
    assert redis_time(stepped) >= due
    assert_quiet(stepped)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_worker_whose_clock_is_wrong_retries_and_promotes_when_it_should(
    arena: Arena, ahead: float
) -> None:
    worker = arena.start(command=kiq_ahead_by(ahead), lease=LEASE)
    eventually(lambda: _holder(arena, keys.POLLER) == worker.identity, 10)
    due = redis_time(arena) + 2
    scheduled = {arena.push("Quick", at=due) for _ in range(20)}
    arena.push_many(20, "FailsOnce")
    late = arena.push("FailsOnce", MINUTE)
    given_up = arena.push("Fails")
    arena.await_all(15, besides={late, given_up})
    assert scheduled <= arena.journal.ended()
    assert redis_time(arena) >= due
    assert arena.dead() == [given_up]
    assert _score(arena, keys.DEAD) == pytest.approx(redis_time(arena), abs=20)
    assert _score(arena, keys.RETRY) == pytest.approx(redis_time(arena) + MINUTE, abs=20)
    assert_quiet(arena)


def _score(arena: Arena, name: str) -> float:
    members: Any = arena.store.zrange(name, 0, -1, withscores=True)
    ((_, score),) = members
    return float(score)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_workers_whose_clocks_differ_by_an_hour_stay_alive_and_inherit_from_each_other(
    arena: Arena, ahead: float
) -> None:
    wrong = arena.start(command=kiq_ahead_by(ahead), lease=LEASE, run="elsewhere")
    right = arena.start(lease=LEASE)
    arena.push_many(20, "FailsOnce")
    arena.await_all()
    assert_quiet(arena)
    stranded = _begin_in(arena, right, besides=wrong)
    arena.kill(right)
    eventually(lambda: stranded <= arena.journal.ended(), BOUND + 5, message="they run again")
    arena.verify()
