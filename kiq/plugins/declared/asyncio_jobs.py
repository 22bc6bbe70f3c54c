"""``async def`` jobs: how many at a time, on which event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ...features import Between, Feature, declare


@dataclass(frozen=True, slots=True)
class AsyncSettings:
    """*async_concurrency* is a number of jobs, *async_blocked_after* seconds, whose 0 is never."""

    async_concurrency: Annotated[int, Between(1, 100_000)] = 1000
    async_loop: Literal["asyncio", "uvloop"] = "asyncio"
    async_blocked_after: Annotated[float, Between(0, 3600, "seconds")] = 0.5


declare(Feature("asyncio_jobs", settings=AsyncSettings, section=""))
