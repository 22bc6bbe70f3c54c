"""Client middleware that is slow, hangs, ends its thread or its process: it holds up only its own job."""

from __future__ import annotations

import signal
from hashlib import sha1
from typing import Any

import pytest

from kiq import keys
from kiq.clock import wall
from kiq.codec import decode
from tests.chaos.arena import Arena
from tests.chaos.layers import ENDS, PLUGINS
from tests.helpers.waiting import eventually


def overdue(
    arena: Arena, count: int, deed: str, job: str = "Quick", *arguments: float
) -> list[str]:
    """Have *count* jobs due since five seconds, and the layer do *deed* for each; return their jids."""
    known = len(arena.acknowledged)
    arena.push_many(count, job, *arguments, at=wall() + 600, promotion=deed)
    for member in arena.store.zrangebyscore("schedule", wall() + 500, "+inf"):  # type: ignore[union-attr]
        arena.store.zadd("schedule", {member: wall() - 5})
    return arena.acknowledged[known:]


def hurry(arena: Arena) -> None:
    """Make due what was put off."""
    for name in ("schedule", "retry"):
        for member in arena.store.zrange(name, 0, -1):  # type: ignore[union-attr]
            arena.store.zadd(name, {member: wall() - 1}, xx=True)


def dies(arena: Arena, jids: list[str], within: float = 40) -> None:
    """Wait until *jids* are in the dead set, being hurried whenever they are put off."""

    def dead() -> bool:
        hurry(arena)
        return set(arena.dead()) >= set(jids)

    try:
        eventually(dead, within, interval=0.2, message="it goes to the dead set")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{arena.report()}") from None


def promoted_in_time(arena: Arena, count: int, besides: list[str], within: float) -> None:
    """Push *count* jobs that become due, and wait until they have run."""
    arena.push_many(count, at=wall() + 0.1)
    arena.await_all(within, besides=besides)


@pytest.mark.parametrize("deed", ["takes 10 s", "never returns"])
def test_a_layer_that_takes_long_for_one_job_holds_up_no_other(arena: Arena, deed: str) -> None:
    slow = overdue(arena, 1, deed)
    arena.push_many(300, at=wall() + 0.5)
    arena.start(plugins=PLUGINS)
    promoted_in_time(arena, 20, slow, 6)
    dies(arena, slow)
    promoted_in_time(arena, 20, slow, 4)
    arena.verify(besides=slow, counted=False)  # what was never promoted never ran


def test_a_layer_that_takes_long_for_a_class_holds_up_no_other_class(arena: Arena) -> None:
    slow = overdue(arena, 200, "takes 10 s", "Takes", 0.0)
    arena.start(plugins=PLUGINS)
    for _ in range(6):
        promoted_in_time(arena, 20, slow, 4)
    assert not set(slow) & set(arena.dead())


def test_jobs_whose_layer_takes_its_time_are_promoted_all_the_same(arena: Arena) -> None:
    overdue(arena, 3, "takes 2 s", "Takes", 0.0)
    overdue(arena, 200, "takes 20 ms", "FailsOnce")
    arena.start(plugins=PLUGINS)
    arena.verify(30)
    assert not arena.dead()


@pytest.mark.parametrize("deed", ENDS)
def test_a_layer_that_would_end_its_thread_ends_only_its_job(arena: Arena, deed: str) -> None:
    arena.start(plugins=PLUGINS)
    bad = overdue(arena, 1, deed)
    promoted_in_time(arena, 20, bad, 5)
    dies(arena, bad)
    (member,) = arena.store.zrange("dead", 0, -1)  # type: ignore[union-attr,misc]
    payload, _ = decode(member)
    assert payload["error_class"] == "kiq.PoisonPill"
    assert "promot" in payload["error_message"]
    promoted_in_time(arena, 20, bad, 5)
    arena.verify(besides=bad, counted=False)


def test_a_layer_that_raises_is_tried_again_and_again(arena: Arena) -> None:
    arena.start(plugins=PLUGINS)
    bad = overdue(arena, 1, "fails")
    promoted_in_time(arena, 20, bad, 5)
    for _ in range(5):
        hurry(arena)
        promoted_in_time(arena, 5, bad, 5)
    assert not arena.dead()


@pytest.mark.parametrize("source", ["schedule", "retry"])
@pytest.mark.parametrize(("deed", "code"), [("kills", -signal.SIGKILL), ("leaves", 0)])
def test_a_layer_that_ends_its_process_does_so_three_times(
    arena: Arena, deed: str, code: int, source: str
) -> None:
    bad = overdue(arena, 1, deed)
    if source == "retry":
        arena.store.rename("schedule", "retry")
    arena.push_many(50, at=wall() + 0.5)
    ends = 0
    while bad[0] not in arena.dead():
        worker = arena.start(plugins=PLUGINS, wait=False)
        eventually(
            lambda one=worker: not one.running or hurry(arena) or bad[0] in arena.dead(),
            30,
            interval=0.05,
            message="a fate",
        )
        if not worker.running:
            assert worker.wait() == code, worker.log
            arena.may_repeat(worker, "was ended amid a promotion")
            ends += 1
            assert ends <= 3, arena.report()
    if not arena.workers[-1].running:
        arena.start(plugins=PLUGINS)
    assert ends == 3
    promoted_in_time(arena, 20, bad, 5)
    arena.verify(besides=bad, counted=False)


def test_who_loses_the_election_gives_back_what_waits_behind_a_suspect_that_hangs(
    arena: Arena,
) -> None:
    overdue(arena, 10, "never returns")
    members: Any = arena.store.zrange("schedule", 0, -1)
    level = f"1:{int(wall()) + 3600}"
    arena.store.hset(keys.SUSPECTS, mapping={sha1(each).hexdigest(): level for each in members})
    arena.start(plugins=PLUGINS)
    eventually(lambda: arena.store.zcard("schedule") == 0, 10, message="they are claimed")

    def back() -> bool:
        arena.store.set(keys.POLLER, "another", px=1_000)
        return arena.store.zcard("schedule") == 10

    eventually(back, 4, interval=0.1, message="they can be claimed by another")
