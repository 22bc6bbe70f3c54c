"""The no-op coroutine of arq, and its worker's settings; run as a program, it enqueues so many."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings

_SERVER = RedisSettings.from_dsn(os.environ["REDIS_URL"])

#: What a job waits before it returns: nothing, unless asyncio is what is measured.
_SECONDS = float(os.environ.get("BENCH_SECONDS", "0"))

#: For its option --custom-log-dict: otherwise it writes two lines for each job.
QUIET = {"version": 1, "loggers": {"arq": {"level": "WARNING"}}}


async def noop(ctx: dict[str, Any], number: int) -> None:  # noqa: ARG001
    """Return at once, or after BENCH_SECONDS."""
    if _SECONDS:
        await asyncio.sleep(_SECONDS)


class WorkerSettings:
    """What its command reads."""

    functions = (noop,)
    redis_settings = _SERVER
    keep_result = 0
    log_results = False
    max_jobs = int(os.environ.get("BENCH_MAX_JOBS", "10"))
    poll_delay = float(os.environ.get("BENCH_POLL_DELAY", "0.5"))


async def _push(jobs: int) -> None:
    pool = await create_pool(_SERVER)
    for number in range(jobs):
        await pool.enqueue_job("noop", number)
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(_push(int(sys.argv[1])))
