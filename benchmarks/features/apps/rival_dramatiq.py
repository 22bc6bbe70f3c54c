"""The actors of Dramatiq in the tests of features."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits import ConcurrentRateLimiter, WindowRateLimiter
from dramatiq.rate_limits.backends import RedisBackend
from notes import note, work

_URL = os.environ["REDIS_URL"]
#: Milliseconds for which a lock holds at most; 15 minutes by default.
_TTL = int(os.environ.get("BENCH_LOCK", "900")) * 1_000
_backend = RedisBackend(url=_URL)
_broker = RedisBroker(url=_URL)
_broker.add_middleware(GroupCallbacks(_backend))
dramatiq.set_broker(_broker)


@dramatiq.actor(max_retries=None, min_backoff=500, max_backoff=1_000)
def task(key: str, ident: str) -> None:
    """Work if no other of this key does: else the mutex raises, and the message is tried again."""
    # "A concurrent rate limiter of size 1 to get a distributed mutex", say its docs.
    with ConcurrentRateLimiter(_backend, key, limit=1, ttl=_TTL).acquire():
        work(key, ident)


@dramatiq.actor(max_retries=None, min_backoff=100, max_backoff=1_000)
def call(key: str, ident: str) -> None:
    """Call the API; over the limit it is tried again."""
    with WindowRateLimiter(_backend, "api", limit=100, window=1).acquire():
        work(key, ident)


@dramatiq.actor(max_retries=None, min_backoff=500, max_backoff=1_000)
def slot(key: str, ident: str) -> None:
    """Work, as one of five at a time."""
    with ConcurrentRateLimiter(_backend, "slots", limit=5, ttl=_TTL).acquire():
        work(key, ident)


@dramatiq.actor
def member(key: str, ident: str) -> None:
    """Work, as one of a batch."""
    work(key, ident)


@dramatiq.actor
def called(key: str) -> None:
    """Be the callback of the batch *key*."""
    note("called", key)


def push_batch(key: str, idents: list[str]) -> None:
    """Enqueue a group with a callback."""
    group = dramatiq.group([member.message(key, ident) for ident in idents])
    group.add_completion_callback(called.message(key))
    group.run()


_ACTORS = {"alone": task, "window": call, "slots": slot}


def push(key: str, ident: str) -> bool:
    """Enqueue a message, whatever runs."""
    _ACTORS[os.environ["BENCH_TEST"]].send(key, ident)
    return True
