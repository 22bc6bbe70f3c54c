"""A server that closes the connection of whoever asks for more bytes than it wants to hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from kiq import keys
from kiq.client import Client
from kiq.clock import wall
from kiq.config import Redis as RedisSettings
from tests.chaos.arena import Arena
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

LIMIT = 64 * 1024  # bytes of replies that the server holds for a client
JOB = "x" * 8_000
QUEUE = "queue:default"


@pytest.fixture
def arena(private_server: Callable[..., TestServer], tmp_path: Path) -> Iterator[Arena]:
    """An arena on a server whose replies are limited."""
    server = private_server("--client-output-buffer-limit", "normal", str(LIMIT), "0", "0")
    place = Arena(server, tmp_path)
    yield place
    place.close()


def check(arena: Arena) -> None:
    """Check that every job ran, once; the looks of the test itself are large, and so not limited."""
    arena.await_ended(len(arena.acknowledged))
    arena.store.config_set("client-output-buffer-limit", "normal 0 0 0")
    arena.await_rest(4)
    arena.verify(1)


def test_jobs_whose_batch_is_larger_than_a_reply_may_be_run_once(arena: Arena) -> None:
    arena.push_many(600, "Holds", JOB)
    worker = arena.start()
    check(arena)
    assert "client-output-buffer-limit" in worker.log


def test_a_fleet_of_workers_shares_them(arena: Arena) -> None:
    for _ in range(2):
        arena.start()
    arena.push_many(600, "Holds", JOB)
    check(arena)


def test_scheduled_jobs_whose_batch_is_larger_than_a_reply_may_be_run_once(arena: Arena) -> None:
    arena.push_many(300, "Holds", JOB, at=wall() + 2)
    arena.start()
    check(arena)


def test_a_job_that_is_larger_than_any_reply_ends_in_the_dead_set_with_its_bytes(
    arena: Arena,
) -> None:
    client = Client(RedisSettings(url=arena.server.url))
    client.push({"class": "tests.chaos.jobs.Holds", "args": ["y" * 4 * LIMIT], "jid": "f" * 24})
    pushed = arena.store.eval("return redis.sha1hex(redis.call('LINDEX', KEYS[1], 0))", 1, QUEUE)
    arena.push_many(100, "Holds", JOB)
    worker = arena.start()
    eventually(lambda: arena.store.zcard(keys.DEAD) == 1, 30, message="it is set aside")
    arena.await_ended(100)
    assert worker.stop() == 0
    check_dead(arena, {str(pushed, "ascii")})


def check_dead(arena: Arena, digests: set[str]) -> None:
    """Check that the dead set holds the jobs whose bytes have these *digests*, with the reason."""
    arena.store.config_set("client-output-buffer-limit", "normal 0 0 0")
    members: Any = arena.store.zrange(keys.DEAD, 0, -1)
    assert {sha1(dead).hexdigest() for dead in members} == digests
    for digest in digests:
        assert b"client-output-buffer-limit" in arena.store.hget(keys.DEAD_REASON, digest)


def due(arena: Arena, source: str, letter: str, size: int = 4 * LIMIT, ago: float = 60) -> str:
    """Have a job of *size* bytes be due in *source* since *ago* seconds; return its digest."""
    job = {"class": "tests.chaos.jobs.Holds", "args": [letter * size], "jid": letter * 24}
    raw = json.dumps({**job, "queue": "default", "created_at": wall(), "retry": True}).encode()
    arena.store.zadd(source, {raw: wall() - ago})
    return sha1(raw).hexdigest()


@pytest.mark.parametrize("source", ["schedule", "retry"])
def test_a_due_job_that_is_larger_than_any_reply_ends_there_too_and_the_others_go(
    arena: Arena, source: str
) -> None:
    digests = {due(arena, source, "a"), due(arena, source, "b")}
    due(arena, source, "c", 1_000, ago=90)  # before them
    arena.push_many(100, "Holds", JOB, at=wall() + 0.5)
    worker = arena.start()
    # Not by the arena, which would read what is large to report it.
    eventually(lambda: len(arena.journal.ended()) >= 101, 30, message="the others run")
    eventually(lambda: arena.store.zcard(keys.DEAD) == 2, 30, message="they are set aside")
    arena.push_many(20, "Holds", JOB, at=wall() + 0.5)
    arena.await_ended(121)
    assert worker.stop() == 0
    check_dead(arena, digests)
    assert not arena.held()


def test_a_due_job_of_any_size_is_given_back_when_the_process_stops(arena: Arena) -> None:
    digest = due(arena, "schedule", "a", 40 * LIMIT)
    worker = arena.start()
    assert worker.stop() == 0
    arena.store.config_set("client-output-buffer-limit", "normal 0 0 0")
    held: Any = [*arena.store.zrange("schedule", 0, -1), *arena.store.zrange(keys.DEAD, 0, -1)]
    assert [sha1(raw).hexdigest() for raw in held] == [digest]
    assert not arena.store.keys("kiq:inflight:*")
