"""What Redis holds in flight for an owner, read after an outcome that nobody saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1

from .. import keys
from ..clock import wall
from ..errors import StoreError, StoreUnavailable
from ..verdict import Flight, Taken
from . import scripts
from .connection import Link


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


def _level(entry: bytes | None) -> int:
    level, expiry, *_ = *(entry or b"").split(b":"), b""
    alive = expiry.isdigit() and int(expiry) > wall()
    return int(level) if alive and level.isdigit() else 0
