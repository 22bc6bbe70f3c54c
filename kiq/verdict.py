"""Taken jobs and their verdicts: what should become of each.

The executor decides, the store writes; a verdict is the value that passes between them. Names say
where a job goes (``ToRetry``), so that nobody confuses them with what a job raises (``kiq.Retry``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import keys

#: What features enclose for the write that settles a job, each under its name.
Enclosed = Mapping[str, Any]


class Permit:
    """Whether jobs of one owner may start: *until* when, on the clock of :func:`kiq.clock.steady`.

    Threads: written by the heartbeat (each beat) and the courier (fence); read by processors.
    """

    __slots__ = ("fenced", "until")

    def __init__(self, until: float = 0.0) -> None:
        self.until = until
        self.fenced = False

    def extend(self, until: float) -> None:
        """Let jobs start until then, unless the owner was fenced meanwhile."""
        self.until = until
        if self.fenced:  # looked at last, so that a fence that comes meanwhile holds
            self.until = float("-inf")

    def fence(self) -> None:
        """Let no job of this owner start, ever again."""
        self.fenced = True
        self.until = float("-inf")


class Flight:
    """An in-flight hash: *key*, of one *owner*, for what came from *source* (queue or sorted set).

    *name* is that of the list, *queue* the queue: they differ where it is a band. Both are "" for a set.
    *held* is how many jobs the owner's ledger has in it; only the owner's courier touches it.
    """

    __slots__ = ("held", "key", "name", "owner", "permit", "queue", "source")

    def __init__(self, owner: str, source: str, permit: Permit) -> None:
        self.owner = owner
        self.source = source
        self.name = keys.list_name(source) or ""
        self.queue = keys.queue_name(source) or ""
        self.key = keys.inflight(source, owner)
        self.permit = permit
        self.held = 0

    def __repr__(self) -> str:
        return f"<Flight {self.key}>"


class Taken:
    """A job in flight: taken from its queue, not settled.

    *delivery* is the token: the field of the in-flight hash, never used twice by one owner.
    *suspicion* counts the crashes that it may have caused (0 for nearly every job).
    """

    __slots__ = ("delivery", "fetched_at", "flight", "raw", "suspicion")

    def __init__(
        self, delivery: str, flight: Flight, raw: bytes, fetched_at: float, suspicion: int = 0
    ) -> None:
        self.delivery = delivery
        self.flight = flight
        self.raw = raw
        self.fetched_at = fetched_at
        self.suspicion = suspicion

    def __repr__(self) -> str:
        return f"<Taken {self.delivery} of {self.flight.source}, {len(self.raw)} bytes>"


@dataclass(frozen=True, slots=True)
class Done:
    """The job ran; forget it."""

    enclosed: Enclosed | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToRetry:
    """The job failed; *raw* goes to the retry set, due at *at* (epoch seconds)."""

    raw: bytes
    at: float
    enclosed: Enclosed | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToSchedule:
    """The job asked for later; *raw* goes to the scheduled set, due at *at* (epoch seconds)."""

    raw: bytes
    at: float
    enclosed: Enclosed | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PutOff:
    """The due job could not be promoted: as it is back to its set, due in *seconds*.

    *suspicion* is the level of it from now on; None leaves it as it is.
    """

    seconds: float
    suspicion: int | None = None


@dataclass(frozen=True, slots=True)
class ToDead:
    """The job is given up; *raw* goes to the dead set. *reason* for entries with no field for one.

    *ran* is False for what never was a job that could run: it counts as neither processed nor failed.
    """

    raw: bytes
    at: float
    reason: str = ""
    ran: bool = True
    enclosed: Enclosed | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToQueue:
    """The job did not run (or not to its end); the same bytes go back to its queue, uncounted.

    *last* puts it behind all others instead of in front.
    """

    last: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """The job is dropped on purpose; *failed* when an error of the job was the cause.

    *ran* is False for one that was dropped on its way to its queue. *discarded*: the job's own code wanted
    it (``kiq.Discard``).
    """

    reason: str
    failed: bool = False
    ran: bool = True
    discarded: bool = field(default=False, compare=False)
    enclosed: Enclosed | None = field(default=None, compare=False, repr=False)


Verdict = Done | ToRetry | ToSchedule | PutOff | ToDead | ToQueue | Dropped
Settlement = tuple[Taken, Verdict]

#: Why a job is dropped that somebody cancelled.
CANCELLED = "it was cancelled"
#: Verdicts of runs, in which features may enclose something.
OF_RUNS = (Done, ToRetry, ToSchedule, ToDead, Dropped)
#: The one instance that the hot path uses: allocating a Done for each job would cost 0.15 µs.
DONE = Done()
