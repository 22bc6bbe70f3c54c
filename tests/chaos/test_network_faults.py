"""Networks cut conversations at every kind of moment, and garble them."""

from __future__ import annotations

import pytest

from kiq.client import Client
from kiq.clock import wall
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreError
from kiq.jid import new_jid
from tests.chaos.arena import JOBS, Arena
from tests.chaos.crew import WORKERS, all_work_again, assert_quiet, crew
from tests.helpers.proxy import GARBLED, MOMENTS, PLACES, FaultProxy, Garbling, Moment, Place
from tests.helpers.waiting import eventually

EVERY: tuple[Moment | Place | Garbling, ...] = (*MOMENTS, *PLACES, GARBLED)


def _cut(arena: Arena, proxy: FaultProxy, moment: Moment | Place | Garbling) -> None:
    """Let a cut happen in the middle of work: with jobs to fetch, and verdicts to write."""
    before, known = proxy.cuts, len(arena.journal.ended())
    for _ in range(60):
        arena.try_to_push("Takes", 0.005)
    arena.await_ended(known + 5)
    proxy.cut_next(moment)
    eventually(lambda: proxy.cuts > before, 10, message=f"a cut {moment}")


@WORKERS
@pytest.mark.parametrize("moment", EVERY)
def test_twenty_cuts_at_one_kind_of_moment_repeat_nothing(
    arena: Arena, proxy: FaultProxy, workers: int, moment: Moment | Place | Garbling
) -> None:
    crew(arena, workers, url=proxy.url)
    arena.push_many(500, "Takes", 0.002)
    arena.push_many(50, "FailsOnce")
    arena.push_many(50, at=wall() + 1.0)
    for _ in range(20):
        _cut(arena, proxy, moment)
    all_work_again(arena)
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_cuts_while_jobs_are_handed_back_repeat_nothing(
    arena: Arena, proxy: FaultProxy, workers: int
) -> None:
    crew(arena, workers, url=proxy.url, concurrency=2)
    arena.push_many(500)
    arena.push_many(40 * workers, "Takes", 0.15)
    for _ in range(15):
        _cut(arena, proxy, arena.random.choice(EVERY))
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_the_poller_loses_and_repeats_nothing_at_cuts(
    arena: Arena, proxy: FaultProxy, workers: int
) -> None:
    arena.push_many(3_000, at=wall() + 1)
    crew(arena, workers, url=proxy.url)
    for _ in range(15):
        _cut(arena, proxy, arena.random.choice(EVERY))
    arena.verify(30)
    assert_quiet(arena)


@WORKERS
def test_a_push_that_a_cut_hits_raises_and_is_there_once_at_most(
    arena: Arena, proxy: FaultProxy, workers: int
) -> None:
    crew(arena, workers)
    client = Client(RedisSettings(url=proxy.url))
    uncertain, refused = set[str](), set[str]()
    for moment in EVERY * 20:
        _push_through(client, arena)
        proxy.cut_next(moment)
        jid, error = _push_through(client, arena)
        assert error is not None, f"a push that was cut {moment} returned"
        (uncertain if error.maybe_done else refused).add(jid)
    arena.verify(20)
    assert proxy.cuts == 20 * len(EVERY)
    assert uncertain & arena.journal.ended()
    assert uncertain - arena.journal.ended()
    assert not refused & arena.journal.ended()


def _push_through(client: Client, arena: Arena) -> tuple[str, StoreError | None]:
    """Push a job; return its jid, and the error if one was raised."""
    jid = new_jid()
    arena.attempted.append(jid)
    try:
        client.push({"class": f"{JOBS}.Quick", "args": [], "jid": jid})
    except StoreError as error:
        return jid, error
    arena.acknowledged.append(jid)
    return jid, None
