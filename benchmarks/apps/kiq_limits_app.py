"""Jobs that call an API which punishes the call that is one too many."""

from __future__ import annotations

import os

import redis

import kiq
from kiq import limits

SIZE, PER = 100, 1.0
_API = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now - ARGV[2]))
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then redis.call('INCR', KEYS[2]) end
redis.call('ZADD', KEYS[1], string.format('%.6f', now), ARGV[1])
redis.call('RPUSH', KEYS[3], string.format('%.6f', now))
"""
#: The API, with the clock of the Redis that has the limit.
_server = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://"))
by_class = limits.window("class", SIZE, per=PER)
by_block = limits.window("block", SIZE, per=PER)


def call(name: str) -> None:
    """Call the API."""
    keys = ("bench:window", "bench:punished", "bench:calls")
    _server.eval(_API, 3, *keys, name, PER, SIZE)


class ByClass(kiq.Job, retry=False, limit=by_class):
    """Calls it at once."""

    def perform(self, number: int) -> None:
        """Call."""
        call(str(number))


class ByBlock(kiq.Job, retry=False):
    """Calls it in a block, for which it waits a while."""

    def perform(self, number: int) -> None:
        """Call."""
        with by_block.within(wait=2):
            call(str(number))
