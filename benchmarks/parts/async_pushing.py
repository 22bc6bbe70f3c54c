"""``aio.perform_async`` in turns with LPUSH of equally many bytes through ``redis.asyncio``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from support import BenchmarkError, Server

import kiq
from parts.samples import Spread, spread

_SLICE = 50  # pushes of a task until it is the other's turn


@dataclass(frozen=True, slots=True)
class AsyncPushes:
    """Pushes a second with *tasks* tasks, and kiq's share of redis-py's, round by round."""

    tasks: int
    kiq: Spread
    redis_py: Spread
    ratio: Spread


def async_pushes(server: Server, tasks: int, pushes: int, rounds: int) -> AsyncPushes:
    """Push so many, *rounds* times each; both meet the same moments of the machine."""
    kiq.configure(redis=server.url())
    return asyncio.run(_measured(server, tasks, max(1, pushes // (tasks * _SLICE)), rounds))


@kiq.job(name="Noop")
def _noop(number: int) -> None:
    """Is never run."""


async def _measured(server: Server, tasks: int, slices: int, rounds: int) -> AsyncPushes:
    payload = await _payload(server)
    bare: Any = redis.asyncio.Redis.from_url(server.url())

    async def by_kiq() -> None:
        for number in range(_SLICE):
            await _noop.aio.perform_async(number)

    async def by_redis_py() -> None:
        for _ in range(_SLICE):
            await bare.lpush("bare", payload)

    await _side_by_side(by_kiq, tasks)  # connections are opened, scripts loaded
    await _side_by_side(by_redis_py, tasks)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        server.empty()
        turns: list[tuple[Callable[[], Awaitable[None]], list[float]]] = [
            (by_kiq, took_kiq := []),
            (by_redis_py, took_redis_py := []),
        ]
        for _ in range(slices):
            for work, took in turns:
                took.append(await _side_by_side(work, tasks))
            turns.reverse()
        count = slices * tasks * _SLICE
        ours.append(count / sum(took_kiq))
        theirs.append(count / sum(took_redis_py))
    await bare.aclose()
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return AsyncPushes(tasks, spread(ours), spread(theirs), spread(ratios))


async def _side_by_side(work: Callable[[], Awaitable[None]], tasks: int) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    return time.perf_counter() - began


async def _payload(server: Server) -> bytes:
    """Push one job, and return the bytes that it became."""
    server.empty()
    await _noop.aio.perform_async(1)
    raw = server.client().rpop("queue:default")
    if not isinstance(raw, bytes):
        raise BenchmarkError("a job was pushed, and is not in queue:default")
    return raw
