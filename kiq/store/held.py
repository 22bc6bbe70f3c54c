"""What Redis holds in flight for an owner, read by others than the fetch that took it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1

from .. import keys
from ..clock import wall
from ..errors import StoreError, StoreUnavailable
from ..verdict import Flight, Permit, Taken
from . import scripts
from .connection import Link
from .flight import MAX_BYTES

#: A reply up to this size Redis keeps in a buffer that counts for no limit.
HARMLESS = 16 * 1024


@dataclass(frozen=True, slots=True)
class Contents:
    """What Redis holds for an owner in the *epoch* that just began: delivery ids per flight."""

    epoch: int
    held: dict[Flight, set[str]]


def contents(link: Link, owner: str, epoch: int, flights: Sequence[Flight]) -> Contents | None:
    """Begin a new epoch, then read which deliveries each hash holds; None when fenced.

    After an unknown outcome: nothing that the old connection sent can change the answer any more.
    Two round trips: in one, a server that had forgotten the script would list first and begin after.
    """
    began = link.call(scripts.epoch((keys.record(owner),), (epoch,)))
    if not began:
        return None
    listed = link.exchange([("HKEYS", flight.key) for flight in flights])
    held: dict[Flight, set[str]] = {}
    for flight, ids in zip(flights, listed, strict=True):
        if isinstance(ids, StoreUnavailable):
            raise ids
        if not isinstance(ids, StoreError):  # a hash that somebody broke: left out
            held[flight] = {key.decode() for key in ids}
    return Contents(began, held)


def sizes(link: Link, flight: Flight, ids: Sequence[str]) -> list[int]:
    """Return how many bytes each of these jobs has; 0 for one that is not in flight. One round trip."""
    replies = link.exchange([("HSTRLEN", flight.key, id_) for id_ in ids])
    return [reply if isinstance(reply, int) else 0 for reply in replies]


def read_jobs(link: Link, flight: Flight, ids: Sequence[str], now: float) -> list[Taken]:
    """Return the jobs of *flight* with these delivery ids, suspicions included. Two round trips.

    Suspects that can't be read (a key of another type) are none: the jobs are what matters.
    """
    raws = link.call(("HMGET", flight.key, *ids))
    found = [(id_, raw) for id_, raw in zip(ids, raws, strict=True) if raw is not None]
    if not found:
        return []
    digests = [sha1(raw, usedforsecurity=False).hexdigest() for _, raw in found]
    (known,) = link.exchange([("HMGET", keys.SUSPECTS, *digests)])
    if isinstance(known, StoreError):
        known = [None] * len(found)
    return [
        Taken(id_, flight, raw, now, _level(entry))
        for (id_, raw), entry in zip(found, known, strict=True)
    ]


def some_of(
    link: Link, owner: str, source: str, ids: Sequence[str]
) -> tuple[Sequence[str], list[Taken]]:
    """Return the first of *ids*, whose jobs have some :data:`MAX_BYTES` together, and these jobs.

    A larger one stands alone. What does not arrive where Redis closes the connection of whoever asks
    for so much has no bytes: it is not to be in the way of anything. Two round trips, as a rule.
    """
    flight, most = Flight(owner, source, Permit()), MAX_BYTES
    while True:
        lengths = sizes(link, flight, ids)  # raises where it is Redis that is away
        count = _fitting(lengths, most)
        try:
            raws = link.call(("HMGET", flight.key, *ids[:count])) if count else []
            break
        except StoreUnavailable:
            if sum(lengths[:count]) <= HARMLESS:
                raise
            if count == 1 and most <= HARMLESS:
                raws = [b""]
                break
            most //= 4
    found = zip(ids, raws, strict=False)
    jobs = [Taken(id_, flight, _bare(raw, flight), 0.0) for id_, raw in found if raw is not None]
    return ids[:count], jobs


def _fitting(lengths: Sequence[int], most: int) -> int:
    total = 0
    for at, length in enumerate(lengths):
        total += length
        if total > most:
            return max(1, at)
    return len(lengths)


def _bare(raw: bytes, flight: Flight) -> bytes:
    return raw if flight.queue else raw.partition(b"|")[2]  # of what was claimed: "score|payload"


def _level(entry: bytes | None) -> int:
    level, expiry, *_ = *(entry or b"").split(b":"), b""
    alive = expiry.isdigit() and int(expiry) > wall()
    return int(level) if alive and level.isdigit() else 0
