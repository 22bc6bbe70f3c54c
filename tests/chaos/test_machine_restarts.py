"""A machine that goes down with all that runs on it: no job is suspected of having done that."""

from __future__ import annotations

from typing import Any

import pytest

from kiq import keys
from kiq.clock import steady
from tests.chaos.arena import Arena
from tests.chaos.test_recovery_always_comes import BOUND, LEASE, begun, stranded
from tests.helpers.waiting import eventually


def moved(arena: Arena, ago: float, boot_id: str = "another") -> None:
    """Let what is dead have lived on another boot, and beaten last so many seconds *ago*."""
    records: Any = arena.store.keys("kiq:owner:*")
    now: Any = arena.store.time()
    for record in records:
        arena.store.hset(record, mapping={"boot_id": boot_id, "beat": now[0] - ago})


def suspected(arena: Arena, pushed: set[str]) -> int:
    """How many jobs are suspects when those that were cut short run again."""
    arena.start(lease=LEASE)
    eventually(lambda: begun(arena, pushed, 2) == pushed, BOUND, message="they run again")
    found: Any = arena.store.hlen(keys.SUSPECTS)
    return int(found)


def test_what_its_restart_ended_is_nobodys_fault(arena: Arena) -> None:
    pushed = stranded(arena, 3)
    moved(arena, ago=steady() + 60)
    assert suspected(arena, pushed) == 0
    arena.verify()


@pytest.mark.parametrize(("boot_id", "ago"), [("another", LEASE), ("", 1e9)])
def test_a_machine_that_was_up_all_the_while_or_nobody_knows_of_proves_nothing(
    arena: Arena, boot_id: str, ago: float
) -> None:
    pushed = stranded(arena, 3)
    moved(arena, ago, boot_id)
    assert suspected(arena, pushed) > 0
    arena.verify()
