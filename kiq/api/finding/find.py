"""Finds a job by its jid, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ... import keys
from ...errors import ConfigError, StoreError, StoreUnavailable
from .. import scripts
from ..explaining import Asked, Known, explainers
from ..home import Connection, connection
from ..job_set import DeadSet, JobSet, RetrySet, ScheduledSet
from ..queue import Queue, QueuedJob
from .found import Found, Where
from .held import at_others, taken

_SLICE, _SLICE_BYTES = 1000, 1_000_000
_SETS: dict[type[JobSet], Where] = {
    RetrySet: "retrying",
    ScheduledSet: "scheduled",
    DeadSet: "dead",
}


def find(jid: str, client: Any = None) -> Found:
    """Return where the job *jid* is now, and what features know of it. *client* as for ``connection``.

    Looks only. Redis searches: a round trip for 1,000 jobs of a set or a queue (or a megabyte), a few for
    what is in flight. Jobs move meanwhile, so what is met nowhere is looked for twice before that is said.
    Raises ConfigError for an empty jid, StoreUnavailable; what Redis refuses is told in *unknown*.
    """
    if not jid:
        raise ConfigError("say which job to find: its jid is empty")
    home = connection(client)
    unknown: list[str] = []
    found = _seek(home, jid, unknown) or _seek(home, jid, unknown) or Found(jid)
    known = known_of(home, found, unknown)
    return replace(found, known=tuple(known), unknown=tuple(dict.fromkeys(unknown)))


def asked_of(home: Connection, found: Found) -> Asked:
    """Return what features are asked about."""
    record = found.record
    payload = record.payload if record is not None and record.problem is None else {}
    raw = record.raw if record is not None else b""
    return Asked(
        found.jid,
        found.where,
        found.queue,
        payload,
        raw,
        found.before,
        found.owner,
        found.delivery,
        found.score,
        home,
    )


def known_of(home: Connection, found: Found, unknown: list[str]) -> Iterator[Known]:
    """Yield what features know of *found*, the oldest first; what fails is added to *unknown*."""
    asked = asked_of(home, found)
    lines: list[Known] = []
    for one in explainers():
        if one.knows is None:
            continue
        try:
            lines += one.knows(asked)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (one that is broken must not hide the others)
            unknown.append(f"{one.name}: {error}")
    return iter(sorted(lines, key=lambda line: (line.at is None, line.at or 0.0)))


def _seek(home: Connection, jid: str, unknown: list[str]) -> Found | None:
    """Look everywhere once, in the direction in which jobs move on."""
    looks: list[Callable[[], Found | None]] = [
        partial(_in_set, home, RetrySet, jid),
        partial(_in_set, home, ScheduledSet, jid),
        *(
            partial(in_queue, home, name, jid)
            for queue in Queue.all(home)
            for name in keys.bands(queue.name)
        ),
        partial(taken, home, jid),
        partial(_in_set, home, DeadSet, jid),
        partial(at_others, home, jid),
    ]
    for look in looks:
        try:
            found = look()
        except StoreUnavailable:
            raise
        except StoreError as error:
            unknown.append(str(error))
            continue
        if found is not None:
            return found
    return None


def _in_set(home: Connection, kind: type[JobSet], jid: str) -> Found | None:
    entry = kind(home).find(jid)
    if entry is None:
        return None
    return Found(jid, _SETS[kind], entry, entry.queue, score=entry.score)


def in_queue(home: Connection, name: str, jid: str) -> Found | None:
    """Return the job *jid* if it waits in the list *name*: a round trip for 1,000 jobs."""
    place, needle = 0, jid.encode()
    while True:
        place, size, found = home.call(
            scripts.find_queued((keys.queue(name),), (place, _SLICE, _SLICE_BYTES, needle))
        )
        for at, raw in zip(found[::2], found[1::2], strict=True):
            job = QueuedJob(home, name, raw)
            if job.jid == jid:
                return Found(jid, "waiting", job, job.queue, before=max(0, size - 1 - at))
        if place >= size:
            return None
