"""The ids of all jobs that were seen, eight bytes for each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import pairwise

_BUCKETS = 256
_MASK = (1 << 64) - 1
#: More are not remembered: 160 MB.
MOST = 20_000_000


class Jids:
    """Knows which ids it was given, and which of them twice, by a hash: the same is not sure."""

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        self.size = 0

    def add(self, jid: str) -> None:
        """Remember *jid*; beyond :data:`MOST` nothing is."""
        if self.size < MOST:
            self.size += 1
            number = _number(jid)
            self._buckets[number % _BUCKETS].append(number)

    def repeated(self, most: int) -> Jids:
        """Return those that were given twice, the first *most* of them; sorts all, a part at a time."""
        found = Jids()
        for at, bucket in enumerate(self._buckets):
            ordered = sorted(bucket)
            self._buckets[at] = array("Q", ordered)
            twice = {one for one, next_ in pairwise(ordered) if one == next_}
            room = most - found.size
            found._buckets[at] = array("Q", sorted(twice)[:room])
            found.size += len(found._buckets[at])
        return found

    def __contains__(self, jid: str) -> bool:
        number = _number(jid)
        bucket = self._buckets[number % _BUCKETS]
        at = bisect_left(bucket, number)
        return at < len(bucket) and bucket[at] == number


def _number(jid: str) -> int:
    return hash(jid) & _MASK
