"""The no-op task of taskiq, on a list or a stream (BENCH_BROKER); as a program, it sends so many."""

from __future__ import annotations

import asyncio
import os
import sys

from taskiq_redis import ListQueueBroker, RedisStreamBroker

_BROKERS = {"list": ListQueueBroker, "stream": RedisStreamBroker}

broker = _BROKERS[os.environ["BENCH_BROKER"]](os.environ["REDIS_URL"])

#: What a job waits before it returns: nothing, unless asyncio is what is measured.
_SECONDS = float(os.environ.get("BENCH_SECONDS", "0"))


@broker.task(task_name="noop")
async def noop(number: int) -> None:  # noqa: ARG001
    """Return at once, or after BENCH_SECONDS."""
    if _SECONDS:
        await asyncio.sleep(_SECONDS)


async def _push(jobs: int) -> None:
    # It makes the stream's group, which reads only what comes after that.
    await broker.startup()
    for number in range(jobs):
        await noop.kiq(number)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_push(int(sys.argv[1])))
