"""Every moment of the table of crash points: a worker dies there, others take over, nothing is lost.

``CHAOS_LONG=1`` plays each with one worker and with four, and at later passings too; without it each is
played with one or with four, by turns.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable
from typing import NamedTuple

import pytest

from kiq import keys
from kiq.cli.crash_points import POINTS
from tests.chaos.arena import Arena
from tests.chaos.long_form import LONG, with_fleets
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

#: Points that a worker passes by itself, again and again, while there is work.
OFTEN = (
    "processor-before-job",
    "processor-amid-job",
    "processor-after-job",
    "courier-after-fetch",
    "courier-before-done",
    "courier-amid-done",
    "courier-after-done",
    "courier-before-delay",
    "courier-amid-delay",
    "courier-after-delay",
    "poller-before-commit",
    "poller-after-commit",
    "poller-after-move",
)
#: Takes a claim of both kinds: that a worker comes there seven times can't be waited for.
RARELY = "poller-after-commit"
SETTINGS = {
    "lease": 5,
    "queues": "[default]",
    "capsules": "{single: {concurrency: 1, queues: [serial]}}",
}


class Case(NamedTuple):
    """One death: at which passing of which point, among how many workers."""

    point: str
    workers: int
    passing: int = 1

    def __str__(self) -> str:
        return f"{self.point}:{self.passing} of {self.workers}"


def _cases() -> list[Case]:
    often = (1, 2, 7) if LONG else (2,)
    return [
        Case(point, workers, passing)
        for point, workers in with_fleets(POINTS)
        for passing in (often if point in OFTEN else (1,))
        if passing < 7 or point != RARELY
    ]


def _work(arena: Arena, doomed: WorkerProcess) -> None:
    """Push a bit of everything until it is dead."""

    def died() -> bool:
        if doomed.running:
            arena.push_many(20)
            arena.push_many(4, "FailsOnce")
            arena.push_many(2, queue="serial")
            arena.push_many(2, at=1)
        return not doomed.running

    eventually(died, 20, interval=0.05, message="it dies")


def _mix_in_what_is_no_job(arena: Arena, doomed: WorkerProcess) -> None:
    """Have it promote, besides jobs, what can't be decoded and goes to the dead set."""
    broken = itertools.count()

    def died() -> bool:
        if doomed.running:
            arena.push_many(3, at=1)
            arena.store.zadd("schedule", {f"{{broken {next(broken)}": 1})
        return not doomed.running

    eventually(died, 20, interval=0.05, message="it dies")


def _push_what_is_no_job(arena: Arena, doomed: WorkerProcess) -> None:
    """Have it take from its queue, besides jobs, what can't be decoded and goes to the dead set."""
    broken = itertools.count()

    def died() -> bool:
        if doomed.running:
            arena.push_many(3)
            arena.store.lpush("queue:default", f"{{broken {next(broken)}")
        return not doomed.running

    eventually(died, 20, interval=0.05, message="it dies")


def _bury_what_is_no_job(arena: Arena) -> None:
    """Wait until all that could not be decoded is in the dead set, and empty that."""
    eventually(lambda: not arena.store.zcard("schedule"), 15, message="nothing is due any more")
    eventually(lambda: not arena.store.llen("queue:default"), 15, message="nothing waits")
    eventually(lambda: not arena.held(), 15, message="nothing is left in Redis")
    members: list[bytes] = arena.store.zrange("dead", 0, -1)  # type: ignore[assignment]
    assert set(members) == {b"{broken %d" % number for number in range(len(members))}
    arena.store.delete("dead")


def _slow_down(arena: Arena, doomed: WorkerProcess) -> None:
    """Push jobs that get slow: what waits in the buffer goes back."""
    arena.push_many(1_000)
    arena.push_many(60, "Takes", 0.15)


def _lose_a_reply(arena: Arena, doomed: WorkerProcess) -> None:
    """Put a job in flight that the worker does not know of, as a fetch does whose reply is lost."""
    doomed.wait_until_ready()
    arena.push("Quick", queue="parked")
    (raw,) = arena.store.lrange("queue:parked", 0, -1)  # type: ignore[misc]

    def registered() -> list[str]:
        names = [name.decode() for name in arena.store.smembers(keys.OWNERS)]  # type: ignore[union-attr]
        return [name for name in names if f":{doomed.pid}:" in name and name.endswith(":default")]

    (owner,) = eventually(registered, 10, message="the capsule default is registered")
    with arena.store.pipeline() as both:
        both.rpop("queue:parked")
        both.hset(keys.inflight("queue:default", owner), "999999999.1", raw)
        both.execute()


def _stop(arena: Arena, doomed: WorkerProcess) -> None:
    """Stop it while it works."""
    doomed.wait_until_ready()
    arena.push_many(100, "Takes", 0.03)
    arena.push_many(3, "Takes", 0.03, queue="serial")
    arena.await_ended(5)
    doomed.signal(signal.SIGTERM)


def _leave_a_dead_one(arena: Arena, doomed: WorkerProcess) -> None:
    """It needs no more: one that has died waits for it already."""


Provocation = Callable[[Arena, WorkerProcess], None]

#: What else makes a worker come to the points that end so.
PROVOCATIONS: dict[str, Provocation] = {
    "poller-after-commit": _mix_in_what_is_no_job,
    "poller-after-move": _mix_in_what_is_no_job,
    "courier-before-move": _push_what_is_no_job,
    "courier-after-move": _push_what_is_no_job,
    "courier-after-mark": _leave_a_dead_one,
    "courier-before-hand_back": _slow_down,
    "courier-after-hand_back": _slow_down,
    "courier-after-epoch": _lose_a_reply,
    "courier-after-HKEYS": _lose_a_reply,
    "courier-after-HMGET": _lose_a_reply,
    **dict.fromkeys(
        (
            "courier-after-SREM",
            "courier-before-lapse",
            "courier-after-lapse",
            "courier-after-reclaim",
            "courier-after-forget",
            "poller-after-resign",
            "heartbeat-after-SREM",
        ),
        _stop,
    ),
    **dict.fromkeys((name for name in POINTS if name.startswith("reclaimer-")), _leave_a_dead_one),
}


def _freeze(arena: Arena, others: list[WorkerProcess]) -> None:
    for other in others:
        other.stop_where_it_is()
    arena.store.delete(keys.POLLER, keys.RECLAIMER)  # as if their terms were over


def _die_at_work(arena: Arena) -> None:
    victim = arena.start(**SETTINGS)
    known = len(arena.journal.ended())
    arena.push_many(100, "Takes", 0.03)
    arena.await_ended(known + 20)
    arena.crash(victim)


@pytest.mark.parametrize("case", _cases(), ids=str)
def test_a_death_at_any_named_moment_loses_nothing(arena: Arena, case: Case) -> None:
    provoke = PROVOCATIONS.get(case.point, _work)
    # Others would take the duty, or the jobs, which lead to the point: they stand still meanwhile.
    alone = provoke in (_slow_down, _leave_a_dead_one) or case.point.startswith("poller-")
    others = [arena.start(wait=False, **SETTINGS) for _ in range(case.workers - 1)]
    for other in others:
        other.wait_until_ready()
    if alone:
        _freeze(arena, others)
    arena.mixed(200)
    if provoke is _leave_a_dead_one:
        _die_at_work(arena)
    concurrency = 2 if provoke is _slow_down else 10
    doomed = arena.start(
        crash=f"{case.point}:{case.passing}", wait=False, **SETTINGS, concurrency=concurrency
    )
    provoke(arena, doomed)
    assert doomed.wait(20) == -signal.SIGKILL, doomed.log
    for other in others:
        other.signal(signal.SIGCONT)
    if not others:
        arena.start(**SETTINGS)
    garbled = provoke in (_mix_in_what_is_no_job, _push_what_is_no_job)
    if garbled:
        _bury_what_is_no_job(arena)
    arena.verify(25)
    assert garbled or not arena.complaints()


def test_a_reclaim_that_its_reclaimer_did_not_survive_is_finished_long_before_a_lease(
    arena: Arena,
) -> None:
    victim = arena.start(lease=60)
    arena.push_many(100, "Takes", 0.03)
    arena.await_ended(20)
    arena.crash(victim)
    # It may die before it says that it is ready: its reclaimer is as quick as the rest of it.
    doomed = arena.start(crash="reclaimer-after-lapse", lease=60, wait=False)
    assert doomed.wait(15) == -signal.SIGKILL, doomed.log
    arena.start(lease=60)
    arena.verify(10)
