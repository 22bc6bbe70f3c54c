"""Metrics in Redis, written as workers write them: runs of a class, so many minutes ago."""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis

from kiq.plugins.metrics import buckets
from kiq.plugins.metrics.batches import Batches
from kiq.plugins.metrics.tally import Measured


def measure(
    store: redis.Redis,
    ago: int,
    name: str,
    runs: Sequence[float] = (),
    *,
    failed: int = 0,
    waits: Sequence[float] = (),
) -> None:
    """Count *runs* (seconds each) and *failed* ones of a class, *ago* minutes before this one."""
    measured = Measured()
    measured.succeeded, measured.failed = len(runs), failed
    measured.ran, measured.waited, measured.waits = sum(runs), sum(waits), len(waits)
    for seconds in runs:
        measured.run_times[buckets.bucket(seconds)] += 1
    for seconds in waits:
        measured.wait_times[buckets.bucket(seconds)] += 1
    minute = int(time.time() // 60) - ago
    # A writer of its own for each: batches of one are counted by their numbers.
    for command in Batches(f"{name}-{ago}-{time.monotonic_ns()}").commands(
        {minute: {name: measured}}
    ):
        store.execute_command(*command)
