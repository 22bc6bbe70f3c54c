"""The no-op task of taskiq, on a list or a stream (BENCH_BROKER); as a program, it sends so many."""

from __future__ import annotations

import asyncio
import os
import sys

from taskiq_redis import ListQueueBroker, RedisStreamBroker

_BROKERS = {"list": ListQueueBroker, "stream": RedisStreamBroker}

broker = _BROKERS[os.environ["BENCH_BROKER"]](os.environ["REDIS_URL"])


@broker.task(task_name="noop")
async def noop(number: int) -> None:
    """Return at once."""


async def _push(jobs: int) -> None:
    # It makes the stream's group, which reads only what comes after that.
    await broker.startup()
    for number in range(jobs):
        await noop.kiq(number)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_push(int(sys.argv[1])))
