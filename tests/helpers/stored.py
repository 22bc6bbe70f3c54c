"""What lies in Redis, decoded: for tests that look at what was pushed."""

from __future__ import annotations

from typing import Any

import redis

from kiq.codec import decode


def in_queue(server: redis.Redis, queue: str = "default") -> list[dict[str, Any]]:
    """Return the payloads of *queue*, the one that runs next first."""
    raws: Any = server.lrange(f"queue:{queue}", 0, -1)
    return [decode(raw)[0] for raw in reversed(raws)]


def scheduled(server: redis.Redis) -> list[tuple[float, dict[str, Any]]]:
    """Return (due time, payload) of the scheduled set, the earliest first."""
    members: Any = server.zrange("schedule", 0, -1, withscores=True)
    return [(score, decode(raw)[0]) for raw, score in members]
