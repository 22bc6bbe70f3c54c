"""Periodic jobs in a test's own process: a service whose ticks the test makes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis

import kiq
from kiq import keys as house
from kiq.api import Queue, ScheduledSet
from kiq.clock import steady
from kiq.plugins.declared.periodic_entry import parse
from kiq.plugins.periodic import keys
from kiq.plugins.periodic.plugin import Service
from kiq.process import Unfit
from kiq.work.attached import Attached
from tests.helpers.driven import DrivenWorker

Entries = Mapping[str, Mapping[str, Any]]


class Ticking:
    """What one worker process does for periodic jobs, without its threads."""

    def __init__(
        self,
        url: str,
        folder: Path,
        entries: Entries,
        host: kiq.Host | None = None,
        tag: str = "app",
    ) -> None:
        self.host = host or kiq.Host()
        self.worker = DrivenWorker(url, folder, host=self.host, tag=tag, periodic=defined(entries))
        worker = self.worker.launcher.worker
        worker.beaten_at = steady() + 3600
        self.reported: list[tuple[BaseException, dict[str, Any]]] = []
        self.unfit: list[str] = []  # what it offered to leave to another for
        process = Attached(worker, [], print)
        process.report = lambda error, context: self.reported.append((error, context))  # type: ignore[method-assign]
        self.service = Service(process, self.host)

    def tick(self) -> float:
        """Tick as the duty's loop does, until there is nothing more to do; return the pause."""
        pause, woken = 0.0, True
        for _ in range(10_000):
            try:
                pause = self.service.ticker.tick(woken=woken)
            except Unfit as error:  # as the duty's loop does, while nobody else wants it
                self.unfit.append(str(error))
                pause = 2.0
            woken = False
            if pause > 0.005:
                break
        return pause

    def offer(self) -> None:
        """Offer the entries again, as a beat does after a while."""
        self.service._offered_at = float("-inf")
        self.service.beat()

    def close(self) -> None:
        """Close the connections."""
        self.service.ticker.close()
        self.service.exit()


def defined(entries: Entries) -> dict[str, Any]:
    """Return the entries as a file gives them."""
    return {name: parse(name, fields) for name, fields in entries.items()}


def cursor(raw: redis.Redis, name: str) -> int | None:
    """The next tick of *name* that is not decided."""
    found: Any = raw.zscore(keys.DUE, name)
    return None if found is None else int(found)


def set_back(raw: redis.Redis, name: str, tick: float) -> None:
    """Let *tick* be the next of *name*, as if nobody had ticked since."""
    raw.zadd(keys.DUE, {name: tick})


def history(raw: redis.Redis, name: str) -> list[list[str]]:
    """What became of the ticks of *name*, the oldest first: tick, when, what, more."""
    found: Any = raw.lrange(keys.history(name), 0, -1)
    return [line.decode().split(" ") for line in reversed(found)]


def whats(raw: redis.Redis, name: str) -> list[str]:
    """What became of them, in a word each."""
    return [line[2] for line in history(raw, name)]


def pushed(name: str) -> list[int]:
    """The ticks of *name* whose jobs wait in the queue ``default``, or are scheduled."""
    found = [*Queue("default"), *ScheduledSet()]
    return sorted(job.payload["tick"] for job in found if job.payload.get("periodic") == name)


def minute(ago: int = 0) -> int:
    """The last full minute, or so many minutes before."""
    return int(time.time()) // 60 * 60 - 60 * ago


def last_run(raw: redis.Redis, name: str) -> str:
    """The jid of the last run of *name* that is not over, or ""."""
    found: Any = raw.hget(keys.LATEST, name)
    return str((found or b"").decode().partition(" ")[0])


def is_cancelled(raw: redis.Redis, jid: str) -> bool:
    """Whether somebody cancelled the job *jid*."""
    return raw.zscore(house.CANCELLED, jid) is not None
