"""Looks for jobs that are like something, everywhere, a slice at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ... import keys
from ...errors import ConfigError
from .. import scripts
from ..home import Connection, connection
from ..job_record import JobRecord
from ..job_set import DeadSet, JobSet, RetrySet, ScheduledSet
from ..queue import Queue, QueuedJob
from ..selection import names_of
from .found import Found, Where
from .held import held

_SLICE, _SLICE_BYTES = 1000, 1_000_000
_SETS: dict[str, tuple[type[JobSet], Where]] = {
    "1 retry": (RetrySet, "retrying"),
    "2 schedule": (ScheduledSet, "scheduled"),
    "5 dead": (DeadSet, "dead"),
}
_QUEUE, _HELD = "3 ", "4 in flight"
#: What Redis may be asked for, as it stands in no payload with an escape.
_PLAIN = frozenset(map(chr, range(32, 127))) - set('"\\')


class Slice(NamedTuple):
    """What a part of all jobs has: *found*, where to go on (*cursor*; None: that was all), and about how
    many jobs were *looked_at*.
    """

    found: list[Found]
    cursor: str | None
    looked_at: int


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a job must be like; what is None matches any."""

    text: str | None = None
    names: frozenset[str] | None = None
    tag: str | None = None
    queue: str | None = None
    error: str | None = None

    @property
    def needle(self) -> bytes:
        """What its bytes must hold, so that Redis need not send the others."""
        if self.text:
            return self.text.encode("utf-8", "surrogateescape")
        name = next(iter(self.names)) if self.names and len(self.names) == 1 else None
        for each in (self.error, self.tag, name):
            if each and _PLAIN.issuperset(each):
                return each.encode()
        return b""

    def takes(self, record: JobRecord) -> bool:
        """Tell whether *record*, whose bytes hold the needle, is like that."""
        if self.names is not None and record.class_name not in self.names:
            return False
        if self.tag is not None and self.tag not in record.tags:
            return False
        if self.queue is not None and record.queue != self.queue:
            return False
        said = f"{record.error_class or ''}: {record.error_message or ''}"
        return self.error is None or (record.error_class is not None and self.error in said)


def search(
    *,
    text: str | None = None,
    job_class: Any = None,
    tag: str | None = None,
    queue: str | None = None,
    error: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    look_at: int = 10_000,
    client: Any = None,
) -> Slice:
    """Return jobs that are like that, wherever they are; begin at *cursor*, that of the slice before.

    *text* is in the bytes; *job_class* is a class or its name, *error* a part of the last error's
    class or message. Ends when *limit* jobs are found, or about *look_at* looked at. Redis looks, 1,000
    jobs or a megabyte in a round trip: the retries, the schedule, the queues by name and from their newest
    job, what is in flight, the dead set. Jobs move meanwhile: one may be met twice, or not at all. *before*
    is not told. Raises ConfigError for what can't be meant, StoreError.
    """
    if "" in (text, job_class, tag, queue, error):
        raise ConfigError("what is empty would be like everything: leave it out")
    names = None if job_class is None else names_of(job_class)
    like = Likeness(text, names, tag, queue, error)
    home = connection(client)
    queues = [each.name for each in Queue.all(home) if queue in (None, each.name)]
    lists = [_QUEUE + name for each in queues for name in keys.bands(each)]
    sources = sorted([*_SETS, _HELD, *lists])
    source, place = _read(cursor)
    found: list[Found] = []
    looked = 0
    for name in sources[bisect_left(sources, source) :]:
        place = place if name == source else "0"
        while place:
            if len(found) >= limit or looked >= look_at:
                return Slice(found, f"{place}:{name}", looked)
            place, count, more = _slice(home, name, place, like, limit - len(found))
            looked += count
            found += more
    return Slice(found, None, looked)


def _read(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", "0"
    place, colon, source = cursor.partition(":")
    if not colon or not place.replace("+", "", 1).isdigit():
        raise ConfigError(f"{cursor!r} is no cursor: pass the one of the slice before")
    return source, place


def _slice(
    home: Connection, source: str, place: str, like: Likeness, room: int
) -> tuple[str, int, list[Found]]:
    """Return the next place in *source* ("": none), how many jobs were looked at, and which are meant.

    At most *room* of them. A place is a number, and behind a plus how many that are meant were told.
    """
    begin, _, told = place.partition("+")
    if source.startswith(_QUEUE):
        return _of_queue(home, source[len(_QUEUE) :], begin, like, room)
    skip = int(told or 0)
    if source == _HELD:
        behind, meant = "0", list(_in_flight(home, like))
    else:
        kind, where = _SETS[source]
        behind, entries = kind(home).scan_from(begin, like.needle)
        meant = [
            Found(entry.jid, where, entry, entry.queue, score=entry.score)
            for entry in entries
            if like.takes(entry)
        ]
    if len(meant) > skip + room:
        return f"{begin}+{skip + room}", 0, meant[skip : skip + room]
    return ("" if behind == "0" else behind), _SLICE, meant[skip:]


def _of_queue(
    home: Connection, name: str, place: str, like: Likeness, room: int
) -> tuple[str, int, list[Found]]:
    arguments = (place, _SLICE, _SLICE_BYTES, like.needle)
    behind, size, pairs = home.call(scripts.find_queued((keys.queue(name),), arguments))
    found: list[Found] = []
    for at, raw in zip(pairs[::2], pairs[1::2], strict=True):
        job = QueuedJob(home, name, raw)
        if like.takes(job):
            found.append(Found(job.jid, "waiting", job, job.queue))
        if len(found) == room:
            behind = at + 1
            break
    return ("" if behind >= size else str(behind)), max(0, behind - int(place)), found


def _in_flight(home: Connection, like: Likeness) -> Iterator[Found]:
    for one in held(home, like.needle):
        record = one.record
        if like.takes(record):
            yield Found(
                record.jid,
                "fetched" if one.score is None else "promoting",
                record,
                record.queue,
                process=one.identity,
                owner=one.owner,
                delivery=one.delivery,
                score=one.score,
            )
