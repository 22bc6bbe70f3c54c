"""Which entries were in a set when an act began: of those that come meanwhile it handles none."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left

from . import scripts
from .home import Connection
from .set_pages import LOOKED_AT, PAGE_BYTES, Place

_DIGITS = 16  # of the hash of an entry: eight bytes for each of a million


class Presence:
    """The entries of the set *key* up to the score *until* that hold *needle*, as they are now.

    An entry is its bytes at its score: a job that was retried, failed and came back is another one.
    One round trip for a thousand entries; nine bytes are kept of each.
    """

    def __init__(self, home: Connection, key: str, needle: bytes, until: float) -> None:
        found = array("Q")
        place: tuple[bytes, ...] = ()
        while True:
            looked_at, member, score, digests = home.call(
                scripts.set_page(
                    (key,),
                    ("up", LOOKED_AT, PAGE_BYTES, LOOKED_AT, needle, _DIGITS, repr(until), *place),
                )
            )
            found.extend(int(digest, 16) for digest in digests[::2])
            if not looked_at:
                break
            place = (score, member)
        self._known = array("Q", sorted(found))
        self._taken = bytearray(len(self._known))

    def take(self, entry: Place) -> bool:
        """Tell whether *entry* was there, and was not taken before."""
        raw, score = entry
        digest = int(
            hashlib.sha1(score + b" " + raw, usedforsecurity=False).hexdigest()[:_DIGITS], 16
        )
        at = bisect_left(self._known, digest)
        if at == len(self._known) or self._known[at] != digest or self._taken[at]:
            return False
        self._taken[at] = 1
        return True
