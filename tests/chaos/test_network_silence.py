"""Networks swallow everything, or one direction, or are slow, or let nobody in."""

from __future__ import annotations

from typing import Any

import pytest

from kiq import keys
from kiq.clock import wall
from kiq.store import scripts
from tests.chaos.arena import Arena
from tests.chaos.crew import WORKERS, all_work_again, assert_quiet, crew, lasts
from tests.chaos.long_form import LONG
from tests.helpers.proxy import WAYS, FaultProxy, Way
from tests.helpers.waiting import eventually

#: Seconds; short, so that a silence is noticed within a test.
IMPATIENT: dict[str, Any] = {"redis": {"socket_timeout": 1}}


def _get_going(arena: Arena) -> None:
    arena.push_many(40, "FailsOnce")
    arena.push_many(800, "Takes", 0.004)
    arena.push_many(100, at=wall() + 0.5)
    arena.await_ended(150)


@WORKERS
@pytest.mark.parametrize("way", ["to the server", "from the server"])
def test_silence_one_way_is_over_soon_after_its_end(
    arena: Arena, proxy: FaultProxy, workers: int, way: Way
) -> None:
    crew(arena, workers, url=proxy.url, **IMPATIENT)
    # The same connections go on after the first; they have been replaced during the second.
    for seconds in (0.6, 2.5):
        _get_going(arena)
        proxy.swallow(True, way)
        lasts(seconds)
        proxy.swallow(False)
        all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
@pytest.mark.parametrize(
    ("way", "seconds"), [("both ways", 7), *([(way, 30) for way in WAYS] if LONG else [])]
)
@pytest.mark.timeout(180)
def test_a_black_hole_is_over_eight_seconds_after_its_end(
    arena: Arena, proxy: FaultProxy, workers: int, way: Way, seconds: float
) -> None:
    crew(arena, workers, url=proxy.url)
    _get_going(arena)
    proxy.swallow(True, way)
    lasts(seconds)
    proxy.swallow(False)
    all_work_again(arena)
    arena.verify(40)
    assert_quiet(arena)


@WORKERS
def test_a_slow_network_is_only_slow(arena: Arena, proxy: FaultProxy, workers: int) -> None:
    crew(arena, workers, url=proxy.url)
    for milliseconds in (1, 20, 200):
        proxy.delay = milliseconds / 2_000  # either way
        known = len(arena.journal.ended())
        arena.push_many(100, "Takes", 0.002)
        arena.push_many(20, "FailsOnce")
        arena.push_many(20, at=wall() + 0.3)
        arena.await_ended(known + 140)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_bytes_that_come_one_by_one_are_read_alike(
    arena: Arena, proxy: FaultProxy, workers: int
) -> None:
    crew(arena, workers, url=proxy.url)
    _get_going(arena)
    proxy.trickling = True
    lasts(1)
    proxy.trickling = False
    all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_connections_that_are_refused_for_two_seconds_are_made_again(
    arena: Arena, proxy: FaultProxy, workers: int
) -> None:
    crew(arena, workers, url=proxy.url)
    _get_going(arena)
    proxy.refuse(True)
    lasts(2)
    proxy.refuse(False)
    all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)


def owners(arena: Arena) -> set[bytes]:
    """All that are known."""
    return arena.store.smembers(keys.OWNERS)  # type: ignore[return-value]


def test_a_registration_whose_reply_is_lost_leaves_no_owner_behind(
    arena: Arena, proxy: FaultProxy
) -> None:
    arena.store.script_load(scripts.register.text)
    proxy.swallow(True, "from the server", of=scripts.register.sha.encode())
    worker = arena.start(url=proxy.url, wait=False, **IMPATIENT)
    eventually(lambda: len(owners(arena)) >= 2, 20, message="it has tried, by two names")
    proxy.swallow(False)
    worker.wait_until_ready()
    arena.push_many(20)
    arena.push("Quick", at=wall() + 0.5)
    arena.await_all()
    eventually(lambda: len(owners(arena)) == 2, 10, message="courier and poller are left")
    assert "declared dead" not in worker.log
    arena.verify()


@WORKERS
@pytest.mark.parametrize("part", ["heartbeat", "courier"])
def test_one_part_that_is_not_heard_for_longer_than_the_lease_loses_nothing(
    arena: Arena, proxy: FaultProxy, workers: int, part: str
) -> None:
    settings = {**IMPATIENT, "lease": 5}
    crew(arena, 1, url=proxy.url, **settings)
    if workers > 1:
        crew(arena, workers - 1, **settings)
    _get_going(arena)
    words = {"heartbeat": scripts.beat, "courier": scripts.fetch}[part].sha.encode()
    proxy.swallow(True, of=words)
    arena.push_many(3 * workers, "Takes", 0.5)
    lasts(7)
    arena.push_many(100, "Takes", 0.002)
    proxy.swallow(False)
    all_work_again(arena)
    arena.verify(30)
    if part == "courier":
        assert_quiet(arena)  # its heart beats: nobody may take it for dead
