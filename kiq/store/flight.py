"""In flight: the commands that settle jobs that were taken, and hand them back.

Each function returns a command, or reads the reply of one; the courier sends several in one write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from .. import keys
from ..verdict import (
    Done,
    Dropped,
    Flight,
    PutOff,
    Settlement,
    Taken,
    ToDead,
    ToQueue,
    ToRetry,
    ToSchedule,
    Verdict,
)
from . import scripts
from .scripts import Command

#: One fetch takes about this much at most (a single larger job is taken all the same).
MAX_BYTES = 1_000_000
#: Seconds that a payload stays suspect of having killed a process (Sidekiq Pro's window).
SUSPICION_TTL = 72 * 3600


@dataclass(frozen=True, slots=True)
class DeadLimits:
    """How many jobs the dead set keeps, and for how long (seconds)."""

    size: int
    age: float


def done_command(groups: dict[Flight, list[str]], now: float) -> Command:
    """Return the command that settles done jobs: delivery ids per flight."""
    names = [keys.STAT_PROCESSED, keys.stat_day(keys.STAT_PROCESSED, now)]
    names += [flight.key for flight in groups]
    args: list[Any] = [keys.STAT_TTL, *map(len, groups.values())]
    for ids in groups.values():
        args += ids
    return scripts.done(names, args)


def move_command(settlement: Settlement, now: float, limits: DeadLimits) -> Command:
    """Return the command that settles one job which goes somewhere; see ``move.lua``."""
    taken, verdict = settlement
    flight = taken.flight
    kind, target, delay, raw, reason = _destination(verdict, flight, now)
    # What was claimed from a sorted set did not run: it counts for nothing.
    processed, failed = _counts(verdict) if flight.queue else (0, 0)
    return scripts.move(
        (
            flight.key,
            target,
            *_counters(now),
            keys.DEAD_REASON,
            keys.SUSPECTS,
            keys.MARKERS,
            keys.idle(flight.queue),
            keys.QUEUES,
        ),
        (
            taken.delivery,
            kind,
            repr(delay),
            raw,
            processed,
            failed,
            keys.STAT_TTL,
            _suspicion(taken, verdict),
            repr(limits.age),
            limits.size,
            reason,
            flight.name,
            flight.owner,
            SUSPICION_TTL,
        ),
    )


def goes_with_others(settlement: Settlement) -> bool:
    """Tell whether :func:`delay_command` can settle it together with others of its kind."""
    taken, verdict = settlement
    return isinstance(verdict, ToRetry | ToSchedule) and not taken.suspicion


def delay_command(settlements: Sequence[Settlement], now: float) -> Command:
    """Return the command that settles a hundred jobs at most of one flight and one kind of verdict.

    See ``delay.lua``, and :func:`goes_with_others`.
    """
    taken, verdict = settlements[0]
    processed, failed = _counts(verdict)
    target = _destination(verdict, taken.flight, now)[1]
    args: list[Any] = [processed, failed, keys.STAT_TTL]
    for one, its in settlements:
        _, _, delay, raw, _ = _destination(its, one.flight, now)
        args += (one.delivery, repr(delay), raw)
    return scripts.delay((taken.flight.key, target, *_counters(now)), args)


def _counters(now: float) -> tuple[str, str, str, str]:
    return (
        keys.STAT_PROCESSED,
        keys.stat_day(keys.STAT_PROCESSED, now),
        keys.STAT_FAILED,
        keys.stat_day(keys.STAT_FAILED, now),
    )


def _suspicion(taken: Taken, verdict: Verdict) -> int | str:
    """Return the level of suspicion from now on, "kept" for the same, "" for what is no suspect."""
    if isinstance(verdict, PutOff) and verdict.suspicion is not None:
        return verdict.suspicion
    if not taken.suspicion:
        return ""
    # A job that went back without having run keeps its suspicion; a settled one is cleared.
    return "kept" if isinstance(verdict, PutOff | ToQueue) else 0


def _destination(
    verdict: Verdict, flight: Flight, now: float
) -> tuple[str, str, float, bytes, str]:
    """Return kind, target, seconds from now, payload and reason.

    Times are sent as seconds from now, and count from then on by Redis's clock: it says what is due.
    """
    match verdict:
        case ToRetry(raw, at):
            return "zset", keys.RETRY, at - now, raw, ""
        case ToSchedule(raw, at):
            return "zset", keys.SCHEDULE, at - now, raw, ""
        case PutOff(seconds):
            return "zset", flight.source, seconds, b"", ""
        case ToDead(raw, at, reason):
            return "dead", keys.DEAD, at - now, raw, reason
        case ToQueue(last):
            return ("last" if last else "first"), flight.source, 0.0, b"", ""
        case Done() | Dropped():
            return "drop", keys.DEAD, 0.0, b"", ""


def _counts(verdict: Verdict) -> tuple[int, int]:
    """Return what a verdict adds to processed and failed. Garbled payloads and returns: nothing."""
    match verdict:
        case ToQueue() | PutOff():
            return 0, 0
        case ToDead(_, _, _, ran):
            return (1, 1) if ran else (0, 0)
        case ToRetry():
            return 1, 1
        case Dropped(_, failed, ran):
            return int(ran), int(failed)
        case ToSchedule() | Done():
            return 1, 0


def hand_back_command(
    owner: str, epoch: int, groups: dict[Flight, list[str]], last: bool = False
) -> Command:
    """Return the command that gives unstarted jobs back: delivery ids per flight, newest first."""
    names = [keys.record(owner), keys.QUEUES]
    args: list[Any] = [epoch, "last" if last else "first"]
    for flight, ids in groups.items():
        names += (flight.source, flight.key, keys.idle(flight.queue))
        args += (flight.name, len(ids))
    for ids in groups.values():
        args += ids
    return scripts.hand_back(names, args)


def unname_commands(owner: str, flights: Sequence[Flight]) -> list[Command]:
    """Return the commands that take *owner*'s name out of the idle sets: it fetches no more."""
    return [("SREM", keys.idle(flight.queue), owner) for flight in flights]


def record_command(owner: str) -> Command:
    """Return the command that asks whether *owner* has its record (1): nobody has declared it dead."""
    return ("EXISTS", keys.record(owner))


def mark_command(jobs: Sequence[Taken]) -> Command:
    """Return the command that marks suspects, all of one owner, as about to run."""
    args: list[Any] = [jobs[0].flight.owner]
    for taken in jobs:
        args += (taken.delivery, sha1(taken.raw, usedforsecurity=False).hexdigest())
    return scripts.mark((keys.MARKERS, *(taken.flight.key for taken in jobs)), args)


def group_by_flight(jobs: Sequence[Taken]) -> dict[Flight, list[str]]:
    """Return the delivery ids of *jobs* per flight, in the order given."""
    groups: dict[Flight, list[str]] = {}
    for taken in jobs:
        ids = groups.get(taken.flight)
        if ids is None:
            groups[taken.flight] = [taken.delivery]
        else:
            ids.append(taken.delivery)
    return groups
