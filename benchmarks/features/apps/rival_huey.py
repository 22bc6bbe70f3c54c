"""The tasks of Huey in the tests of features."""

from __future__ import annotations

import os

from huey import RedisHuey, chord, crontab
from notes import note, work

#: Seconds for which a lock holds at most; none by default.
_TTL = int(os.environ.get("BENCH_LOCK", "0")) or None

queue = RedisHuey(
    "bench", url=os.environ["REDIS_URL"], results=bool(os.environ.get("BENCH_RESULTS"))
)


@queue.task(retries=1_000, retry_delay=1)
def task(key: str, ident: str) -> None:
    """Work if no other of this key does: else the lock raises, and the task is tried again."""
    with queue.lock_task(key, ttl=_TTL):
        work(key, ident)


@queue.task(retries=1_000, retry_delay=1)
@queue.rate_limit("api", limit=100, per=1)
def call(key: str, ident: str) -> None:
    """Call the API; over the limit it is tried again when the next second begins."""
    work(key, ident)


@queue.task()
def member(key: str, ident: str) -> str:
    """Work, as one of a batch."""
    work(key, ident)
    return ident  # a chord counts results


@queue.task()
def called(_results: object, key: str) -> None:
    """Be the callback of the batch *key*."""
    note("called", key)


def push_batch(key: str, idents: list[str]) -> None:
    """Enqueue a chord."""
    queue.enqueue(chord([member.s(key, ident) for ident in idents], called.s(key=key)))


@queue.periodic_task(crontab(minute="*"))
def tick() -> None:
    """Note that it ran; it is not told for which tick. Minutes are the least that it knows."""
    note("tick", "-")


def push(key: str, ident: str) -> bool:
    """Enqueue a task, whatever runs."""
    (call if os.environ["BENCH_TEST"] == "window" else task)(key, ident)
    return True
