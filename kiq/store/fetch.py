"""Fetching: the commands that take jobs from queues and their bands, and what they bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .. import keys
from ..verdict import Flight, Taken
from . import scripts
from .flight import MAX_BYTES
from .scripts import Command


class BandWanted(NamedTuple):
    """A band that a fetch looks at: of the queue at that place (from 1 on), and how much it has had per
    weight, more than the queue's own list, which has the weight 1."""

    flight: Flight
    queue: int
    weight: float
    ahead: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fetch asks for: how many jobs, of how many bytes, from which queues, in which order.

    *most* is how many of a queue at most, by its name, where not all that there are may be taken.
    """

    count: int
    flights: Sequence[Flight]
    weights: Sequence[int]
    passes: Sequence[float]
    strict: bool
    size: int = MAX_BYTES
    most: Mapping[str, int] = field(default_factory=dict)
    bands: Sequence[BandWanted] = ()


@dataclass(slots=True)
class Fetched:
    """What a fetch brought. *counts* are jobs per flight; *empty* says which queues ran out.

    *dry* says which lists did, of queues and then of bands; it is empty where there are no bands.
    """

    state: str
    jobs: list[Taken]
    counts: list[int]
    held: list[int]
    empty: list[bool]
    idle_names_added: int
    errors: list[tuple[str, str]]
    dry: list[bool] = field(default_factory=list)


def fetch_command(owner: str, epoch: int, call: int, wanted: Wanted, named_idle: bool) -> Command:
    """Return the command that takes jobs for *owner*; see ``fetch.lua``."""
    names = [keys.record(owner), keys.SUSPECTS]
    args: list[Any] = [
        owner,
        epoch,
        call,
        wanted.count,
        wanted.size,
        "strict" if wanted.strict else "share",
        "1" if named_idle else "0",
    ]
    for at, flight in enumerate(wanted.flights):
        names += (flight.source, flight.key, keys.idle(flight.queue))
        args += (wanted.weights[at], repr(wanted.passes[at]), wanted.most.get(flight.queue, ""))
    for flight, queue, weight, ahead in wanted.bands:
        names += (flight.source, flight.key, keys.idle(flight.queue))
        args += (weight, repr(ahead), queue)
    if wanted.bands:
        args.append(len(wanted.bands))
    return scripts.fetch((*names, keys.PAUSED), args)


def read_fetch(reply: Any, call: int, flights: Sequence[Flight], now: float) -> Fetched:
    """Read the reply of a fetch that was sent as *call* for *flights*, those of bands last."""
    state = reply[0].decode()
    if state != "ok":
        return Fetched(state, [], [], [], [], 0, [])
    _, payloads, chunks, held, empty, suspicions, added, errors, *dry = reply
    jobs: list[Taken] = []
    counts = [0] * len(flights)
    at = 0
    for pair in range(0, len(chunks), 2):
        index, size = chunks[pair] - 1, chunks[pair + 1]
        flight = flights[index]
        counts[index] += size
        part = payloads[at : at + size]
        jobs += [Taken(f"{call}.{n}", flight, raw, now) for n, raw in enumerate(part, at + 1)]
        at += size
    for pair in range(0, len(suspicions), 2):
        jobs[suspicions[pair] - 1].suspicion = suspicions[pair + 1]
    return Fetched(
        state,
        jobs,
        counts,
        held,
        [bool(flag) for flag in empty],
        added,
        [
            (flights[errors[i] - 1].source, errors[i + 1].decode(errors="replace"))
            for i in range(0, len(errors), 2)
        ],
        [bool(flag) for flag in dry[0]] if dry else [],
    )


def bands_command(owner: str, names: Sequence[str]) -> Command:
    """Return the command that asks which of the bands *names* there are; see ``bands.lua``."""
    return scripts.bands((keys.record(owner), keys.QUEUES), names)
