"""A full Redis that evicts what has a TTL: nobody is taken for dead, and no job is lost or run twice."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

import pytest

from kiq.api import Deploy, ProcessSet, connection
from kiq.api.fleet import read_fleet
from tests.chaos.arena import Arena
from tests.chaos.long_form import LONG
from tests.chaos.test_recovery_always_comes import BOUND, LEASE, begun, stranded
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, WorkerProcess

#: The first takes what ends soonest, the second anything.
VOLATILE = (
    *("volatile-ttl", "volatile-random"),
    *(("volatile-lru", "volatile-lfu") if LONG else ()),
)
_ROOM = (
    2 << 20
)  # bytes above what Redis uses: some twenty keys of others, so that ours are hit often
PAGE = ROOT / "docs" / "operations.md"
_CARGO = b"x" * 100_000


@contextmanager
def evicting(arena: Arena, policy: str) -> Iterator[None]:
    """Redis is full, evicts by *policy*, and others write keys with a TTL all the while."""
    client, over = arena.server.client(), threading.Event()
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", client.info("memory")["used_memory"] + _ROOM)

    def fill() -> None:
        for number in itertools.count():
            if over.wait(0.005):
                break
            client.set(f"cache:{number}", _CARGO, ex=3600)

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        yield
    finally:
        over.set()
        filler.join()
        client.config_set("maxmemory", 0)


def evicted(arena: Arena) -> int:
    """How many keys Redis has evicted."""
    return int(arena.store.info("stats")["evicted_keys"])  # type: ignore[index]


def all_have_leases(arena: Arena) -> bool:
    """Whether every owner has one, as everybody sees it."""
    # In this order: one that begins between the two reads is seen by the second only.
    names = {name.decode() for name in arena.store.smembers("kiq:owners")}  # type: ignore[union-attr]
    fleet = read_fleet(connection(arena.store))
    return names <= fleet.leased and not fleet.dead


@pytest.mark.parametrize("policy", VOLATILE)
def test_a_redis_that_evicts_declares_nobody_dead(arena: Arena, policy: str) -> None:
    workers = [arena.start(lease=LEASE) for _ in range(2)]
    arena.push_many(10, "Takes", 2 * LEASE)  # longer than any lease lasts
    with evicting(arena, policy):
        arena.mixed(500)
        leases = [all_have_leases(arena)]

        def ended() -> bool:
            leases.append(all_have_leases(arena))
            return len(arena.journal.ended()) == len(arena.acknowledged)

        eventually(ended, 40, interval=0.1, message="all ends")
        assert evicted(arena) > 200
    assert all(leases)
    for worker in workers:
        assert "declared dead" not in worker.log
        assert "will run twice" not in worker.log
    arena.verify()
    assert arena.account().duplicated == 0
    assert [worker.stop() for worker in workers] == [0, 0]


@pytest.mark.parametrize("policy", VOLATILE)
def test_a_dead_process_is_found_though_redis_evicts(arena: Arena, policy: str) -> None:
    pushed = stranded(arena)
    with evicting(arena, policy):
        heir = arena.start(lease=LEASE)
        eventually(lambda: begun(arena, pushed, 2) == pushed, BOUND + 5, message="they run again")
    heir.says("was declared dead; its")
    arena.verify()


def told(worker: WorkerProcess) -> list[str]:
    """The patterns of keys in the table of the docs, for *worker*."""
    part = PAGE.read_text("utf-8").partition("### A Redis that evicts")[2].partition("\n### ")[0]
    names = [
        name
        for row in re.findall(r"^\| (`.+?`) \| ", part, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    ]
    assert len(names) > 10
    day = "[0-9]" * 4 + "-[0-9][0-9]" * 2
    return [
        name.replace("\\|", "|").replace("IDENTITY", worker.identity).replace("DAY", day)
        for name in names
    ]


def test_the_table_of_the_docs_has_every_key_with_a_ttl(arena: Arena) -> None:
    worker = arena.start(lease=LEASE)
    arena.mixed(200)
    arena.push_many(3, "Takes", 2 * LEASE)
    client = connection(arena.store)
    eventually(lambda: worker.identity in ProcessSet(client))
    ProcessSet(client)[worker.identity].dump_threads()
    Deploy(client).mark("a release")
    found: set[str] = set()

    def all_there() -> bool:
        for key in arena.store.keys("*"):  # type: ignore[union-attr]
            if int(arena.store.ttl(key)) >= 0:  # type: ignore[arg-type]
                found.add(key.decode())
        return len(arena.journal.ended()) == len(arena.acknowledged)

    eventually(all_there, 30, interval=0.1, message="all ends")
    patterns = told(worker)
    assert not [key for key in found if not any(fnmatchcase(key, each) for each in patterns)]
    unused = [each for each in patterns if not any(fnmatchcase(key, each) for key in found)]
    assert set(unused) <= {
        *("kiq:rival:*", "kiq:duty:*", "kiq:doctor:*", f"{worker.identity}-signals", "h|*")
    }
    arena.verify()
