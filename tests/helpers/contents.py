"""All that is in Redis, to be compared: ``DUMP`` packs the same value to other bytes now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

_READ: dict[bytes, Callable[[redis.Redis, bytes], Any]] = {
    b"string": lambda store, key: store.get(key),
    b"list": lambda store, key: store.lrange(key, 0, -1),
    b"set": lambda store, key: store.smembers(key),
    b"zset": lambda store, key: store.zrange(key, 0, -1, withscores=True),
    b"hash": lambda store, key: store.hgetall(key),
    b"stream": lambda store, key: store.xrange(key),
    b"none": lambda store, key: None,  # it has run out meanwhile
}


def contents(store: redis.Redis) -> dict[bytes, Any]:
    """Return each key that there is, with its value."""
    found: Any = store.keys("*")
    return {key: _READ[_kind(store, key)](store, key) for key in found}


def _kind(store: redis.Redis, key: bytes) -> bytes:
    kind: Any = store.type(key)
    return bytes(kind)
