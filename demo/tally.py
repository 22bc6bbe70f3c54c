"""What became of the jobs of the demonstration, read from Redis, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import redis

QUEUES = ("critical", "default", "low")
_ORDER = ("HardWorker", "Ping", "Thumbnail", "Report", "Reminder", "Payment", "Import")
_WHAT = {
    "HardWorker": "the tutorial's",
    "Ping": "one at a time",
    "Thumbnail": "fast, in bulk",
    "Report": "slow, 0.4 s",
    "Reminder": "scheduled",
    "Payment": "fails once",
    "Import": "fails for good",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """kiq's own counters and sets in Redis, at one moment."""

    processed: int
    failed: int
    waiting: int
    retry: int
    scheduled: int
    dead: int

    @property
    def done(self) -> int:
        """Attempts that succeeded."""
        return self.processed - self.failed

    def since(self, start: Counts) -> Counts:
        """What has happened since *start*; what waits is told as it is."""
        return Counts(
            self.processed - start.processed,
            self.failed - start.failed,
            self.waiting,
            self.retry,
            self.scheduled,
            self.dead - start.dead,
        )

    def __str__(self) -> str:
        return (
            f"done {self.done:4}   waiting {self.waiting:4}   scheduled {self.scheduled:3}   "
            f"to retry {self.retry:3}   dead {self.dead:3}"
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job, with its times in epoch seconds; *waited* only for the first attempt."""

    kind: str
    outcome: str
    waited: float | None
    started_at: float
    ended_at: float


def counts(store: redis.Redis) -> Counts:
    """Read the counters. One round trip."""
    pipe = store.pipeline(transaction=False)
    for counter in ("stat:processed", "stat:failed"):
        pipe.get(counter)
    for key in ("retry", "schedule", "dead"):
        pipe.zcard(key)
    for queue in QUEUES:
        pipe.llen(f"queue:{queue}")
    processed, failed, retry, scheduled, dead, *waiting = pipe.execute()
    return Counts(int(processed or 0), int(failed or 0), sum(waiting), retry, scheduled, dead)


def attempts(store: redis.Redis) -> list[Attempt]:
    """Read what the worker measured; it wrote that when it ended."""
    found: list[bytes] = store.lrange("demo:seen", 0, -1)  # type: ignore[assignment]
    return [Attempt(*json.loads(line)) for line in found]


def table(seen: Sequence[Attempt], total: Counts, pushed: int) -> list[str]:
    """Return the lines of the final table. Waiting counts from the push, or from the due time."""
    head = ("job", "", "pushed", "done", "retried", "dead", "wait p50", "wait p99")
    rows = [_row(kind, [one for one in seen if one.kind == kind]) for kind in _ORDER]
    retried = sum(int(row[4]) for row in rows)
    rows.append(("all", "", str(pushed), str(total.done), str(retried), str(total.dead), "", ""))
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    rule = "─" * (sum(widths) + 2 * len(widths) - 2)
    lines = [_line(row, widths) for row in (head, *rows)]
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def throughput(seen: Iterable[Attempt]) -> float:
    """Return jobs a second from the first start of the fast bulk to its last end."""
    bulk = [one for one in seen if one.kind == "Thumbnail"]
    took = max(one.ended_at for one in bulk) - min(one.started_at for one in bulk)
    return len(bulk) / max(took, 1e-6)


def _row(kind: str, seen: Sequence[Attempt]) -> tuple[str, ...]:
    first = sorted(one.waited for one in seen if one.waited is not None)
    done = sum(one.outcome == "done" for one in seen)
    again = len(seen) - len(first)
    numbers = (len(first), done, again, len(first) - done)
    waits = (_percentile(first, 50), _percentile(first, 99))
    return (kind, _WHAT[kind], *map(str, numbers), *map(_time, waits))


def _percentile(values: Sequence[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)] if values else 0.0


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = (cell.ljust(width) for cell, width in zip(cells[:2], widths, strict=False))
    numbers = (cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True))
    return "  ".join((*texts, *numbers)).rstrip()
