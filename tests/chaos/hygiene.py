"""What Redis may hold once the work is done: nothing of an owner that is gone, and exact counters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import redis

from kiq import keys
from kiq.store.owners import leased
from tests.chaos.journal import Journal


def leftovers(store: redis.Redis) -> list[str]:
    """Return what is left of owners that are gone: [] when all is tidy."""
    client: Any = store
    owners = {name.decode() for name in client.smembers(keys.OWNERS)}
    found = [
        f"{owner} is listed, and has no record"
        for owner in owners
        if not client.exists(keys.record(owner), keys.lapsed(owner))
    ]
    for raw in client.scan_iter("kiq:*", count=1000):
        key = raw.decode(errors="replace")
        kind, _, owner = key.removeprefix("kiq:").partition(":")
        if kind == "inflight":
            found.append(f"{key} holds {client.hlen(key)} jobs")
        elif kind == "lapsed" or (kind == "owner" and owner not in owners):
            found.append(f"{key} belongs to nobody")
        elif kind == "owner" and not _leased(client, key):
            found.append(f"{key} has no lease")
        elif kind == "idle":
            strangers = {name.decode() for name in client.smembers(key)} - owners
            found += [f"{key} names {name}, which is gone" for name in strangers]
        elif kind in ("suspects", "markers") and client.pttl(key) < 0:
            found.append(f"{key} has no end")
    return found


def _leased(client: Any, key: str) -> bool:
    seconds, micros = client.time()
    beat, lease = ((each or b"").decode() for each in client.hmget(key, "beat", "lease"))
    return leased(beat, lease, seconds + micros / 1e6)


def registered(store: redis.Redis) -> list[str]:
    """Return the owners of couriers that have a record, and so have not been declared dead."""
    client: Any = store
    names = [name.decode() for name in client.smembers(keys.OWNERS)]
    return [n for n in names if not n.endswith(":poller") and client.exists(keys.record(n))]


def counters(store: redis.Redis) -> tuple[int, int]:
    """Return how many runs Redis counted as processed, and how many of them as failed."""
    client: Any = store
    return int(client.get(keys.STAT_PROCESSED) or 0), int(client.get(keys.STAT_FAILED) or 0)


def miscounted(store: redis.Redis, journal: Journal, dead: Collection[str]) -> str:
    """Return what is wrong with the counters, "" when they agree with the journal.

    A job that ended or died counts once, and once more when it failed. A run that a crash repeats
    counts once: only one of the two finds its delivery in flight.
    """
    failed = set(journal.counts("F"))
    fates = journal.ended() | set(dead)
    # Of a job that failed in its first attempt and then died nobody can say whether it was tried again.
    doubtful = len(failed & set(dead))
    most = (len(fates) + len(failed), len(failed | set(dead)) + doubtful)
    found = counters(store)
    if all(most[i] - doubtful <= found[i] <= most[i] for i in (0, 1)):
        return ""
    return f"counted {found} as processed and failed, and it was {most} (less {doubtful} at most)"
