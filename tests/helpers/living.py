"""A process that lives as far as Redis can tell: what it shows, its owner, its lease, what it holds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import redis

from kiq import keys


def show_process(store: redis.Redis, identity: str, info: Mapping[str, Any], **fields: Any) -> None:
    """Write what a process of kiq writes at a beat, and register its capsule ``default``."""
    now = time.time()
    shown: dict[str, Any] = {"beat": now, "quiet": "false", "busy": 0, **fields}
    shown.setdefault("concurrency", info.get("concurrency", 10))
    store.sadd(keys.PROCESSES, identity)
    store.hset(identity, mapping={"info": json.dumps({"kiq": True, **info}), **shown})
    store.expire(identity, keys.PROCESS_TTL)
    owner = owner_of(identity)
    queues = info.get("queues", ["default"])
    sources = "\n".join(keys.queue(name) for name in queues)
    store.sadd(keys.OWNERS, owner)
    facts = {"epoch": 0, "sources": sources, "identity": identity, "beat": now, "lease": 60}
    store.hset(keys.record(owner), mapping=facts)


def owner_of(identity: str) -> str:
    """Return the name of the owner that its capsule ``default`` is."""
    return f"{identity}:default"


def hold(store: redis.Redis, identity: str, queue: str, *raws: bytes | str) -> None:
    """Let the process have *raws* in flight, from *queue*."""
    flight = keys.inflight(keys.queue(queue), owner_of(identity))
    for raw in raws:
        store.hset(flight, f"1.{int(store.hlen(flight)) + 1}", raw)  # type: ignore[arg-type]
