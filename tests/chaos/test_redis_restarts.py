"""Redis dies, restarts, freezes or loads for long, in the middle of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiq.clock import wall
from tests.chaos.arena import Arena
from tests.chaos.crew import WORKERS, all_work_again, assert_quiet, crew, lasts
from tests.chaos.long_form import LONG
from tests.helpers.server import TestServer

#: Seconds; short, so that a frozen Redis is noticed within a test.
IMPATIENT = {"socket_timeout": 1}


@pytest.fixture(params=["everysec", "always"])
def durable(
    private_server: Callable[..., TestServer], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Arena]:
    """An arena on a server with an append-only file, synced each second or at each write."""
    place = Arena(private_server(aof=request.param), tmp_path, 7)
    yield place
    place.close()


def _get_going(arena: Arena) -> None:
    """Push some jobs of all kinds, and return in the middle of them."""
    known = len(arena.journal.ended())
    arena.push_many(40, "FailsOnce")
    arena.push_many(500, "Takes", 0.005)
    for delay in (0.3, 0.8, 1.5):
        arena.push_many(40, at=wall() + delay)
    arena.await_ended(known + 150)


@WORKERS
def test_redis_dies_and_restarts_in_the_middle(durable: Arena, workers: int) -> None:
    crew(durable, workers)
    for away, orderly in ((0.0, False), (1.5, False), (0.3, True)):
        _get_going(durable)
        if orderly:
            durable.server.end()  # SIGTERM, which does what SHUTDOWN does
        else:
            durable.server.kill()
        lasts(away)
        durable.server.restart()
        all_work_again(durable)
    durable.verify(30)
    assert_quiet(durable)


def _freeze(arena: Arena, seconds: float) -> None:
    arena.server.pause()
    lasts(seconds)
    arena.server.resume()
    all_work_again(arena)


@WORKERS
def test_a_redis_that_freezes_for_less_and_for_more_than_the_time_out(
    arena: Arena, workers: int
) -> None:
    crew(arena, workers, redis=IMPATIENT)
    for seconds in (0.6, 2.5):
        _get_going(arena)
        _freeze(arena, seconds)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
@pytest.mark.parametrize("seconds", [6, *([70] if LONG else [])])
@pytest.mark.timeout(180)
def test_workers_do_not_take_each_other_for_dead_when_redis_was_away_longer_than_the_lease(
    arena: Arena, workers: int, seconds: float
) -> None:
    crew(arena, workers, lease=5)
    arena.push_many(workers * 2, "Takes", seconds + 1)
    _get_going(arena)
    _freeze(arena, seconds)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_a_redis_that_loads_for_a_while_is_waited_for(arena: Arena, workers: int) -> None:
    arena.store.mset({f"ballast:{number}": "x" * 2_000 for number in range(300)})
    arena.store.config_set("loading-process-events-interval-bytes", 1024)
    crew(arena, workers)
    _get_going(arena)
    arena.store.config_set("key-load-delay", 5_000)  # microseconds
    patient = arena.server.client()
    patient.connection_pool.connection_kwargs["socket_timeout"] = 20
    patient.execute_command("DEBUG", "RELOAD")
    arena.store.config_set("key-load-delay", 0)
    all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)
    assert any("oading" in worker.log for worker in arena.workers)


def test_a_worker_says_when_it_has_not_fetched_for_ten_seconds(arena: Arena) -> None:
    worker = arena.start()
    arena.server.pause()
    worker.says("has not been in touch with Redis for 1", "threads wait for jobs", timeout=25)
    arena.server.resume()
    worker.says("capsule default fetches again", timeout=10)
    all_work_again(arena)
    arena.verify()
