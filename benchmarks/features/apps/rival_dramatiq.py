"""The actors of Dramatiq in the tests of features."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend
from notes import work

_URL = os.environ["REDIS_URL"]
#: Milliseconds for which a lock holds at most; 15 minutes by default.
_TTL = int(os.environ.get("BENCH_LOCK", "900")) * 1_000
_backend = RedisBackend(url=_URL)
dramatiq.set_broker(RedisBroker(url=_URL))


@dramatiq.actor(max_retries=None, min_backoff=500, max_backoff=1_000)
def task(key: str, ident: str) -> None:
    """Work if no other of this key does: else the mutex raises, and the message is tried again."""
    # "A concurrent rate limiter of size 1 to get a distributed mutex", say its docs.
    with ConcurrentRateLimiter(_backend, key, limit=1, ttl=_TTL).acquire():
        work(key, ident)


def push(key: str, ident: str) -> bool:
    """Enqueue a message, whatever runs."""
    task.send(key, ident)
    return True
