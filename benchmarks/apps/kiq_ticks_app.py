"""Jobs that say when they began, after a tick."""

from __future__ import annotations

import os
import time

import redis

import kiq

_server = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://"))
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "10"))


class Tick(kiq.Job, queue="default", retry=False):
    """Note the moment."""

    def perform(self) -> None:
        """Note it."""
        _server.rpush("bench:starts", f"{time.time():.6f}")


for _number in range(ENTRIES):
    kiq.periodic(every="1s", name=f"tick-{_number}")(Tick)
