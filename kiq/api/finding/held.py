"""What is in flight: jobs that processes have taken, found by a text in their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ... import keys
from .. import scripts, shown
from ..home import Connection
from ..job_record import JobRecord
from ..process_set import Process, ProcessSet
from ..work_set import WorkSet
from .found import Found

_PAGE = 100  # owners, or their hashes, that one round trip looks at


class Held(NamedTuple):
    """A job in flight: who has it, where it came from, in which delivery, its bytes."""

    identity: str
    owner: str
    source: str
    delivery: str
    raw: bytes

    @property
    def score(self) -> float | None:
        """When it was due, if it came from a sorted set."""
        if keys.queue_name(self.source) is not None:
            return None
        return shown.number(self.raw.partition(b"|")[0].decode(errors="replace"))

    @property
    def record(self) -> JobRecord:
        """The job."""
        name = keys.queue_name(self.source)
        return JobRecord(self.raw if name is not None else self.raw.partition(b"|")[2], name)


def held(home: Connection, needle: bytes) -> Iterator[Held]:
    """Yield what is in flight and holds *needle*. A round trip, two for 100 owners, more for 100 hashes."""
    names = sorted(name.decode(errors="replace") for name in home.call(("SMEMBERS", keys.OWNERS)))
    for first in range(0, len(names), _PAGE):
        page = names[first : first + _PAGE]
        places = [place for name in page for place in (keys.record(name), keys.lapsed(name))]
        replies = home.exchange([("HMGET", place, "identity", "sources") for place in places])
        hashes = []
        for at, name in enumerate(page):
            one, other = replies[2 * at : 2 * at + 2]
            identity, sources = map(shown.text, one if one[1] is not None else other)
            hashes += [(identity, name, each) for each in sources.split("\n") if each]
        yield from _matching(home, hashes, needle)


def _matching(
    home: Connection, hashes: Sequence[tuple[str, str, str]], needle: bytes
) -> Iterator[Held]:
    for first in range(0, len(hashes), _PAGE):
        page = hashes[first : first + _PAGE]
        names = [keys.inflight(source, owner) for _, owner, source in page]
        replies = home.exchange([scripts.find_held((name,), (needle,)) for name in names])
        for (identity, owner, source), pairs in zip(page, replies, strict=True):
            for delivery, raw in zip(pairs[::2], pairs[1::2], strict=True):
                yield Held(identity, owner, source, delivery.decode(errors="replace"), raw)


def taken(home: Connection, jid: str) -> Found | None:
    """Return the job *jid* if a process has taken it. What ``kiq ps --jobs`` shows to run, runs."""
    for one in held(home, jid.encode()):
        record = one.record
        if record.jid == jid:
            return _placed(home, one, record)
    return None


def _placed(home: Connection, one: Held, record: JobRecord) -> Found:
    """Return where *one* is: running, or taken and not started."""
    place = Found(
        record.jid,
        "fetched",
        record,
        record.queue,
        process=one.identity,
        owner=one.owner,
        delivery=one.delivery,
    )
    if one.score is not None:
        return replace(place, where="promoting", score=one.score)
    process = ProcessSet(home).look(one.identity) if one.identity else None
    for work in WorkSet(home).of(process) if process is not None else ():
        if work.jid == record.jid:
            since = work.run_at if work.thread else None
            return replace(place, where="running", thread=work.thread, since=since)
    return place


def at_others(home: Connection, jid: str) -> Found | None:
    """Return the job *jid* if a process that is none of kiq's shows that it runs it."""
    others = [process for process in ProcessSet(home) if process.owners is None]
    for process in others:
        for work in WorkSet(home).of(process):
            if work.jid == jid:
                return _of_ruby(work.job, process, work.queue, work.thread, work.run_at)
    return None


def _of_ruby(record: JobRecord, process: Process, queue: str, thread: str, since: float) -> Found:
    return Found(
        record.jid,
        "running",
        record,
        queue or record.queue,
        process=process.identity,
        thread=thread,
        since=since,
    )
