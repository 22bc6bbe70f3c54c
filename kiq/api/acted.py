"""What a bulk act came to: how many jobs it handled, and why it left others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

_MOST_REASONS = 20  # that are told apart
OTHERS = "other reasons"
GONE = "no longer there: another process took it meanwhile"


class Acted(int):
    """How many jobs a bulk act handled, as a number that knows more.

    *left* says why others that were meant are where they were: reason → how many. *dropped* is how
    many jobs left the dead set to make room for those that came.
    """

    left: Mapping[str, int]
    dropped: int

    @classmethod
    def of(cls, done: int, left: Mapping[str, int] | None = None, dropped: int = 0) -> Acted:
        """Return the outcome of an act."""
        made = cls(done)
        made.left, made.dropped = dict(left or {}), dropped
        return made


class Tally:
    """Counts while an act is under way.

    Threads: one.
    """

    def __init__(self) -> None:
        self.done = self.dropped = 0
        self.left: Counter[str] = Counter()

    def leave(self, reason: str, count: int = 1) -> None:
        """Note that *count* jobs stay where they are."""
        if count:
            known = reason in self.left or len(self.left) < _MOST_REASONS
            self.left[reason if known else OTHERS] += count

    @property
    def acted(self) -> Acted:
        """What it came to so far."""
        return Acted.of(self.done, self.left, self.dropped)
