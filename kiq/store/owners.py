"""Owners: who may hold jobs in flight, whether they live, and what is given back when they don't."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .. import keys
from ..errors import StoreDenied, StoreError, StoreUnavailable
from . import held, scripts
from .connection import Link
from .flight import MAX_BYTES, SUSPICION_TTL
from .joined import Rides

_SET_BY = 1.0  # seconds by which Redis's clock is set now and then
_PAGE = 1000  # names that are read at once
_PART = 500  # jobs that one script gives back: what takes it 10 ms at most
_PUT_OFF = 30  # seconds until a due job is tried again that may have ended its process


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the record of an owner said of its life at *now*, by Redis's clock.

    *known* is False where there is no record, or one that is broken. *leased*: its lease runs, and nobody
    gives its jobs back. *beat* is when it has beaten, *note* what was noted of its absence since.
    """

    known: bool
    now: float
    leased: bool = False
    beat: str = ""
    lease: float = 0.0
    note: str = ""


class _Part(NamedTuple):
    dealt: int  # with how many ids
    moved: int
    suspects: int
    problem: str


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What giving back an owner's jobs came to. *complete* is False when some could not go back."""

    owner: str
    moved: int
    suspects: int
    complete: bool
    problems: tuple[str, ...] = ()
    process: str = ""  # the name by which people know its process


def register(
    link: Link, owner: str, lease: float, sources: Sequence[str], facts: dict[str, Any]
) -> None:
    """Make *owner* known with a lease of *lease* seconds, before it takes anything.

    One round trip; raises StoreError.
    """
    fields: list[Any] = ["epoch", 0, "lease", lease, "sources", "\n".join(sources)]
    for name, value in facts.items():
        fields += (name, value)
    link.call(scripts.register((keys.record(owner), keys.OWNERS), (owner, *fields)))


def extend_sources(link: Link, owner: str, sources: Sequence[str]) -> None:
    """Write what *owner* may hold anew, before it takes from a source that was not listed.

    One round trip; does nothing when the owner was reclaimed: its next fetch says so.
    """
    state(link, owner, {"sources": "\n".join(sources)})


def state(link: Link, owner: str, facts: Mapping[str, Any]) -> None:
    """Write *facts* into the record of *owner*, unless it was reclaimed. One round trip."""
    fields = [part for fact in facts.items() for part in fact]
    link.call(scripts.extend((keys.record(owner),), fields))


def leaving(link: Link, owner: str) -> None:
    """Note that *owner* was told to end, or its machine was: its jobs are not to blame. One round trip."""
    state(link, owner, {"leaving": 1})


def beat(link: Link, owners: Sequence[str]) -> dict[str, bool]:
    """Renew the leases of *owners*; return for each whether it still is one (False: fenced)."""
    flags = link.call(scripts.beat([keys.record(owner) for owner in owners]))
    return {owner: bool(flag) for owner, flag in zip(owners, flags, strict=True)}


def all_owners(link: Link) -> list[str]:
    """Return every known owner. One round trip."""
    return [name.decode(errors="replace") for name in link.call(("SMEMBERS", keys.OWNERS))]


def leased(beat: str, lease: str, now: float) -> bool:
    """Tell whether the lease of *lease* seconds of an owner that has beaten at *beat* runs at *now*.

    By Redis's clock. A beat that is yet to come is none: the clock went back, or a dump was restored.
    """
    try:
        return -_SET_BY <= now - float(beat) <= float(lease)
    except ValueError:
        return False  # a record that does not say


def look_at(link: Link, owners: Sequence[str]) -> dict[str, Sighting | StoreError]:
    """Return what the records of *owners*, lapsed or not, say, or why one can't be read. One round trip."""
    names = [name for owner in owners for name in (keys.record(owner), keys.lapsed(owner))]
    commands = [("HMGET", name, "epoch", "beat", "lease", "absent") for name in names]
    *replies, time = link.exchange([*commands, ("TIME",)])
    if isinstance(time, StoreError):
        raise time
    now = int(time[0]) + int(time[1]) / 1e6
    pairs = zip(replies[::2], replies[1::2], strict=True)
    return {owner: _seen(*pair, now) for owner, pair in zip(owners, pairs, strict=True)}


def _seen(record: Any, lapsed: Any, now: float) -> Sighting | StoreError:
    for reply in (record, lapsed):
        if isinstance(reply, StoreUnavailable | StoreDenied):
            return reply
        if not isinstance(reply, StoreError) and reply[0] is not None:
            beat, lease, note = ((part or b"").decode(errors="replace") for part in reply[1:])
            alive = reply is record and leased(beat, lease, now)
            seconds = float(lease) if lease.replace(".", "", 1).isdecimal() else 0.0
            return Sighting(True, now, alive, beat, seconds, note)
    return Sighting(False, now)


def note_absence(link: Link, owner: str, sighting: Sighting, note: str) -> bool:
    """Write *note* into the record of *owner*, unless it has beaten since *sighting*. One round trip."""
    names = (keys.record(owner), keys.lapsed(owner))
    return bool(link.call(scripts.absent(names, (sighting.beat, sighting.note, note))))


def facts(link: Link, owner: str) -> dict[str, str]:
    """Return the record of *owner*, lapsed or not ({} when there is none, or a key that is no record).

    One round trip. A lapsed one counts: whoever began to give its jobs back may be dead as well.
    """
    names = (keys.record(owner), keys.lapsed(owner))
    replies = link.exchange([("HGETALL", name) for name in names])
    for reply in replies:
        if isinstance(reply, StoreUnavailable | StoreDenied):
            raise reply
    return next((_fields(r) for r in replies if r and not isinstance(r, StoreError)), {})


def reclaim(
    link: Link,
    owner: str,
    *,
    proven: bool,
    crashed: bool,
    note: str = "",
    sources: Sequence[str] = (),
    rides: Rides | None = None,
) -> Reclaimed | None:
    """Give back all that *owner* has in flight; None when its record says that it lives.

    *proven* means that its death is certain, whatever the record says. Else *note*, of its absence, must
    stand there still: a beat strikes it out. *crashed* makes its jobs suspects, unless it had been told to
    end. *sources* are where it may hold jobs, should its record not say so; without them the database is
    searched. With *rides* jobs are read before they go back. Round trips: four, and for each source one
    for each 500 jobs (with *rides* three, and more where they are large) and one for each 1,000. Any
    process may call it, any number of times, and go on where another stopped.
    """
    reply = link.call(
        scripts.lapse((keys.record(owner), keys.lapsed(owner)), ("1" if proven else "0", note))
    )
    if reply[0] == b"alive":
        return None
    record = _fields(reply[1:])
    listed = [source for source in record.get("sources", "").split("\n") if source]
    if not record:
        listed = list(sources) or [source for source, name in orphans(link) if name == owner]
    alive = record.get("beat", "0") if crashed and "leaving" not in record else ""
    given = _give_back(link, owner, listed, alive, rides)
    return replace(given, process=record.get("identity") or owner)


def _give_back(
    link: Link, owner: str, sources: Sequence[str], alive: str, rides: Rides | None
) -> Reclaimed:
    """*alive* is when a crashed one lived last (epoch seconds), "" for one that left in order."""
    moved = suspects = 0
    problems: list[str] = []
    for source in sources:
        try:
            ids, at, problem = _held(link, source, owner), 0, ""
            while True:  # once at least: it no longer waits for jobs of that queue
                part = _reclaim_part(link, owner, source, ids[at : at + _PART], alive, rides)
                at, problem = at + part.dealt, part.problem
                moved, suspects = moved + part.moved, suspects + part.suspects
                if problem or at >= len(ids):
                    break
        except StoreError as error:
            if not link.connected:
                raise
            problem = str(error)  # e.g. the hash has another type: the other sources go on
        if problem:
            problems.append(f"{source}: {problem}")
    hashes = (keys.inflight(source, owner) for source in sources)
    names = (keys.lapsed(owner), keys.OWNERS, keys.record(owner), *hashes)
    complete = not problems and bool(link.call(scripts.forget(names, (owner,))))
    return Reclaimed(owner, moved, suspects, complete, tuple(problems))


def _held(link: Link, source: str, owner: str) -> list[str]:
    """Return the delivery ids of what *owner* has in flight from *source*, newest first.

    They are sorted here, once: Redis would stand still meanwhile, and do it anew for each part.
    """
    found: set[str] = set()
    cursor, count = b"0", 10
    while True:
        command = scripts.names((keys.inflight(source, owner),), (cursor, count))
        cursor, ids, size = link.call(command)
        found.update(id_.decode(errors="replace") for id_ in ids)
        if cursor == b"0":
            return sorted(found, key=_order, reverse=True)
        count = max(1, min(_PAGE, count * 10, MAX_BYTES * len(ids) // max(1, size)))


def _order(delivery: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in delivery.split("."))


def _reclaim_part(
    link: Link, owner: str, source: str, ids: Sequence[str], alive: str, rides: Rides | None
) -> _Part:
    queue = keys.list_name(source)
    ids, jobs = held.some_of(link, owner, source, ids) if rides else (ids, [])
    command = scripts.reclaim(
        (
            keys.inflight(source, owner),
            source,
            keys.idle(queue or ""),
            keys.SUSPECTS,
            keys.MARKERS,
            keys.QUEUES,
            keys.record(owner),
        ),
        (
            owner,
            MAX_BYTES,
            "zset" if queue is None else "list",
            queue or "",
            alive,
            SUSPICION_TTL,
            _PUT_OFF,
            *ids,
        ),
    )
    if rides:
        command, read = rides(command, jobs)
        reply = read(link.call(command))
    else:
        reply = link.call(command)
    if reply[0] < 0:
        return _Part(0, 0, 0, "the owner has registered again")
    dealt, moved, suspects, problem = reply
    return _Part(dealt, moved, suspects, problem.decode(errors="replace"))


def orphans(link: Link) -> Iterator[tuple[str, str]]:
    """Yield (source, owner) of every in-flight hash. One round trip per 1,000 keys of the database."""
    cursor = b"0"
    while True:
        cursor, found = link.call(("SCAN", cursor, "MATCH", "kiq:inflight:*", "COUNT", 1000))
        for key in found:
            parts = keys.source_and_owner(key.decode(errors="replace"))
            if parts:
                yield parts
        if cursor == b"0":
            return


def tidy(link: Link) -> None:
    """Drop suspicions and markers that are over. One round trip for 1,000 of either."""
    for key, second, seconds in (
        (keys.SUSPECTS, "^%d+:(%d+)", 0),
        (keys.MARKERS, " (%d+)$", SUSPICION_TTL),
    ):
        cursor = link.call(scripts.tidy((key,), (0, second, seconds)))
        while cursor != b"0":
            cursor = link.call(scripts.tidy((key,), (cursor, second, seconds)))


def _fields(pairs: Sequence[bytes]) -> dict[str, str]:
    names = [part.decode(errors="replace") for part in pairs]
    return dict(zip(names[::2], names[1::2], strict=True))
