"""The no-op coroutine of SAQ, and its worker's settings; run as a program, it enqueues so many."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from saq import Queue

queue = Queue.from_url(os.environ["REDIS_URL"])

#: What a job waits before it returns: nothing, unless asyncio is what is measured.
_SECONDS = float(os.environ.get("BENCH_SECONDS", "0"))


async def noop(ctx: dict[str, Any], *, number: int) -> None:  # noqa: ARG001
    """Return at once, or after BENCH_SECONDS."""
    if _SECONDS:
        await asyncio.sleep(_SECONDS)


settings = {
    "queue": queue,
    "functions": [noop],
    "concurrency": int(os.environ.get("BENCH_CONCURRENCY", "10")),
}


async def _push(jobs: int) -> None:
    for number in range(jobs):
        # A ttl below 0 keeps nothing of a finished job.
        await queue.enqueue("noop", number=number, ttl=-1)
    await queue.disconnect()


if __name__ == "__main__":
    asyncio.run(_push(int(sys.argv[1])))
