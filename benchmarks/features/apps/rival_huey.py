"""The tasks of Huey in the tests of features."""

from __future__ import annotations

import os

from huey import RedisHuey, crontab
from notes import note, work

#: Seconds for which a lock holds at most; none by default.
_TTL = int(os.environ.get("BENCH_LOCK", "0")) or None

queue = RedisHuey("bench", url=os.environ["REDIS_URL"], results=False)


@queue.task(retries=1_000, retry_delay=1)
def task(key: str, ident: str) -> None:
    """Work if no other of this key does: else the lock raises, and the task is tried again."""
    with queue.lock_task(key, ttl=_TTL):
        work(key, ident)


@queue.periodic_task(crontab(minute="*"))
def tick() -> None:
    """Note that it ran; it is not told for which tick. Minutes are the least that it knows."""
    note("tick", "-")


def push(key: str, ident: str) -> bool:
    """Enqueue a task, whatever runs."""
    task(key, ident)
    return True
