"""When an owner without a lease is certainly dead. Pure: what was seen, and when, comes in.

A lease may be missing though its owner lives: Redis was away, or its clock was set forward, and the owner
has not had the time to beat again. So what counts is not for how long it is missing by any clock, but how
often it was found missing, with a pause each time, and without a beat in between (a beat strikes the
sightings out). They stand in the owner's record, by Redis's clock: they outlive connections, and whoever
looked. A clock that jumps makes one of them come early or late, no more.
"""

from __future__ import annotations

from dataclasses import dataclass

#: So many sightings make a death certain.
SIGHTINGS = 6
_ROUND = 2.0  # seconds between two looks at the leases, at most
_PAUSE = 0.9  # of such a round: looks that come a little early count, too


def round_of(lease: float) -> float:
    """Return the seconds between two looks of a process that has a lease of *lease* seconds."""
    return min(_ROUND, lease / 6)


@dataclass(frozen=True, slots=True)
class Absence:
    """How often an owner was found without a lease, and when last (epoch seconds of Redis's clock)."""

    sightings: int = 0
    at: float = 0.0

    @classmethod
    def read(cls, text: str) -> Absence:
        """Return what *text*, from an owner's record, says; none for what says nothing."""
        count, _, at = text.partition("@")
        try:
            return cls(int(count), float(at))
        except ValueError:
            return cls()

    def __str__(self) -> str:
        return f"{self.sightings}@{self.at:.6f}"

    def seen(self, now: float, lease: float) -> Absence:
        """Return what it is after one more look, at *now*, at an owner that had *lease* seconds."""
        if self.sightings and 0 <= now - self.at < _PAUSE * round_of(lease):
            return self
        return Absence(self.sightings + 1, now)

    @property
    def proves_death(self) -> bool:
        """Whether it was seen often enough."""
        return self.sightings >= SIGHTINGS
