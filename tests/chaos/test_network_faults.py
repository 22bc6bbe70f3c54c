"""What networks do to workers, through a proxy that does it on purpose."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kiq.clock import wall
from tests.chaos.arena import Arena
from tests.helpers.proxy import MOMENTS, FaultProxy, Moment
from tests.helpers.waiting import eventually


@pytest.fixture
def proxy(arena: Arena) -> Iterator[FaultProxy]:
    """A proxy in front of the arena's server."""
    with FaultProxy(arena.server.port) as between:
        yield between
        for worker in arena.workers:
            worker.end()


@pytest.mark.parametrize("moment", MOMENTS)
def test_twenty_five_cuts_at_one_kind_of_moment_repeat_nothing(
    arena: Arena, proxy: FaultProxy, moment: Moment
) -> None:
    arena.start(url=proxy.url)
    arena.push_many(3_000, "Takes", 0.002)
    arena.push_many(100, "FailsOnce")
    for number in range(1, 26):
        proxy.cut_next(moment)
        eventually(lambda n=number: proxy.cuts >= n, 5, message=f"cut {number}")
    arena.verify(30)
    assert not arena.complaints()


def test_cuts_while_jobs_are_handed_back_repeat_nothing(arena: Arena, proxy: FaultProxy) -> None:
    arena.start(url=proxy.url, concurrency=2)
    arena.push_many(1_000)
    arena.push_many(60, "Takes", 0.15)
    for number in range(1, 16):
        proxy.cut_next(arena.random.choice(MOMENTS))
        eventually(lambda n=number: proxy.cuts >= n, 5, message=f"cut {number}")
    arena.verify(30)


def test_a_black_hole_of_seven_seconds_is_over_soon_after_its_end(
    arena: Arena, proxy: FaultProxy
) -> None:
    worker = arena.start(url=proxy.url)
    arena.push_many(8_000, "Takes", 0.001)
    arena.await_ended(500)
    proxy.swallow(True)
    eventually(lambda: "trying again until it answers" in worker.log, 8, message="it notices")
    hole = time.monotonic()
    eventually(lambda: time.monotonic() - hole > 2, 5, message="the hole lasts")
    known = len(arena.journal.ended())
    proxy.swallow(False)
    end = time.monotonic()
    arena.await_ended(known + 600, 12)
    print(f"\nblack hole: works again {time.monotonic() - end:.2f} s after its end")
    assert time.monotonic() - end < 8
    arena.verify(40)


def test_a_slow_network_is_only_slow(arena: Arena, proxy: FaultProxy) -> None:
    proxy.delay = 0.05
    arena.start(url=proxy.url)
    arena.push_many(300)
    arena.verify(30)


def test_the_poller_loses_and_repeats_nothing_at_cuts(arena: Arena, proxy: FaultProxy) -> None:
    arena.push_many(3_000, at=wall() + 1)
    arena.start(url=proxy.url)
    for number in range(1, 11):
        proxy.cut_next(arena.random.choice(MOMENTS))
        eventually(lambda n=number: proxy.cuts >= n, 5, message=f"cut {number}")
    arena.verify(30)
