"""What waits in Redis, as one process reads it for all: sizes and one head of each queue, nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import keys
from ...api import Connection, JobRecord
from ...api.fleet import read_fleet

_MOST = 1_000  # queues of their own
OTHERS = "(others)"
_SETS = {"scheduled": keys.SCHEDULE, "retry": keys.RETRY, "dead": keys.DEAD}


class Depths:
    """Reads them. What Redis refuses to tell is left out. Threads: one."""

    def __init__(self, home: Connection) -> None:
        self._home = home
        self._level: float | None = None
        self._arrived = 0.0

    def read(self) -> dict[str, Any]:
        """Return what there is at this moment. Some five round trips; raises StoreUnavailable."""
        names, paused, *rest = self._home.replies(
            [
                ("SMEMBERS", keys.QUEUES),
                ("SMEMBERS", keys.PAUSED),
                *(("ZCARD", key) for key in _SETS.values()),
                ("GET", keys.STAT_PROCESSED),
                ("GET", keys.STAT_FAILED),
                ("ZRANGE", keys.SCHEDULE, 0, 0, "WITHSCORES"),
                ("ZRANGE", keys.RETRY, 0, 0, "WITHSCORES"),
                ("TIME",),
            ]
        )
        found: dict[str, Any] = {}
        for name, value in zip(("scheduled", "retry", "dead"), rest[:3], strict=True):
            found |= {name: value} if isinstance(value, int) else {}
        for name, value in zip(("processed", "failed"), rest[3:5], strict=True):
            found |= {name: int(value or 0)} if value is None or isinstance(value, bytes) else {}
        if isinstance(rest[7], list):
            now = int(rest[7][0]) + int(rest[7][1]) / 1e6
            found["overdue"] = max(0.0, *(_late(due, now) for due in rest[5:7]))
            found["queues"] = self._queues(_texts(names), set(_texts(paused)), now)
        fleet = read_fleet(self._home)
        if fleet.known:
            owners = list(fleet.everyone())
            found["in_flight"] = sum(owner.jobs for owner in owners)
            found["processes"] = len({owner.identity for owner in owners if owner.lives})
        found["arrived"] = self._arrivals(found)
        return found

    def _queues(
        self, names: Sequence[str], paused: set[str], now: float
    ) -> dict[str, tuple[int, float, int]]:
        """Return, by queue, how many jobs wait, for how many seconds the oldest has, and 1 if paused."""
        commands = [
            command
            for name in names
            for command in (("LLEN", keys.queue(name)), ("LINDEX", keys.queue(name), -1))
        ]
        replies = self._home.replies(commands) if commands else []
        lists: dict[str, tuple[int, float]] = {}
        for each, size, oldest in zip(names, replies[::2], replies[1::2], strict=True):
            if isinstance(size, int):
                name, _ = keys.queue_and_band(each)
                jobs, waited = lists.get(name, (0, 0.0))
                lists[name] = (jobs + size, max(waited, _waited(oldest, now)))
        found = [
            (name, size, waited, int(name in paused)) for name, (size, waited) in lists.items()
        ]
        found.sort(key=lambda one: (-one[1], one[0]))
        kept = {name: (size, waited, held) for name, size, waited, held in found[:_MOST]}
        if rest := found[_MOST:]:
            kept[OTHERS] = (sum(one[1] for one in rest), max(one[2] for one in rest), 0)
        return kept

    def _arrivals(self, found: dict[str, Any]) -> float:
        """Return how many jobs have come into queues since this process has looked: what has ended, and is
        there, less what was there before. What people delete counts for nothing.
        """
        waiting = sum(size for size, _, _ in found.get("queues", {}).values())
        level = found.get("processed", 0) + waiting + found.get("in_flight", 0)
        if self._level is not None:
            self._arrived += max(0.0, level - self._level)
        self._level = level
        return self._arrived


def _texts(members: Any) -> list[str]:
    if not isinstance(members, list | set):
        return []
    return sorted(member.decode(errors="replace") for member in members)


def _late(due: Any, now: float) -> float:
    return now - float(due[1]) if isinstance(due, list) and len(due) == 2 else 0.0


def _waited(oldest: Any, now: float) -> float:
    """Return for how many seconds, by Redis's clock, *oldest* has been in its queue; 0 where none is."""
    if not isinstance(oldest, bytes):
        return 0.0
    record = JobRecord(oldest)
    since = record.enqueued_at or record.created_at
    return 0.0 if since is None else max(0.0, now - since)
