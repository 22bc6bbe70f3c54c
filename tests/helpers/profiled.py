"""Profiles for tests, without a profiler: a document as kiq writes it, and a place for it in Redis."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis

#: Of each call its number's caller (None: nobody), and its function.
Calls = Sequence[tuple[int | None, int]]


def document(
    functions: Sequence[tuple[str, str, int]],
    calls: Calls,
    samples: Sequence[tuple[int | None, float]],
) -> dict[str, Any]:
    """Return a document: *functions* are name, file and line; *samples* a call and milliseconds."""
    texts = [text for name, file, _ in functions for text in (name, file)]
    thread = {
        "stackTable": {
            "frame": [function for _, function in calls],
            "prefix": [caller for caller, _ in calls],
            "category": [1] * len(calls),
        },
        "frameTable": {"func": list(range(len(functions)))},
        "funcTable": {
            "name": [2 * at for at in range(len(functions))],
            "fileName": [2 * at + 1 for at in range(len(functions))],
            "lineNumber": [line for _, _, line in functions],
        },
        "samples": {
            "stack": [call for call, _ in samples],
            "weight": [weight for _, weight in samples],
        },
        "stringArray": texts,
    }
    return {"threads": [thread]}


def keep(raw: redis.Redis, key: str, found: Mapping[str, Any] | bytes, **fields: Any) -> None:
    """Put a profile into Redis under *key*, ``token-jid``."""
    data = found if isinstance(found, bytes) else gzip.compress(json.dumps(found).encode())
    token, _, jid = key.partition("-")
    known = {"token": token, "jid": jid, "type": "HardWorker", "started_at": int(time.time())}
    shown = {**known, "elapsed": 1.5, "size": len(data), "filename": "x.json.gz", **fields}
    raw.zadd("profiles", {key: time.time() + 86_400})
    raw.hset(key, mapping={**shown, "data": data})
