"""A page of a sorted set: those of its jobs that are meant, from a place on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..clock import steady, wall
from ..errors import ConfigError
from . import scripts
from .filters import Filter
from .home import Connection
from .job_set import JobSet
from .set_pages import Place
from .sorted_entry import SortedEntry

_PLACE = re.compile(r"(-?\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?|-?inf)~([0-9a-f]{16})")
_END = b"\xff" * 64  # behind all members of a score


@dataclass(frozen=True, slots=True)
class Listing:
    """*entries* are those of a page, *looked_at* is how many jobs were looked at for it.

    *behind* is where the next page begins; None: there is none. *done* is False where the time was over
    before the page was full.
    """

    entries: Sequence[SortedEntry]
    behind: str | None
    looked_at: int
    done: bool = True


def listing(
    jobs: JobSet,
    wanted: Filter,
    begin: str = "",
    *,
    newest_first: bool = True,
    limit: int = 25,
    within: float = 0.15,
) -> Listing:
    """Return the jobs of a set that are meant, by score, from the place *begin* on ("": the first).

    A place is a score and a digest, never a number: what comes and goes meanwhile hides nothing, and of
    jobs of one score none is passed over. Ends after *within* seconds, if that looked at any. One round
    trip for 1,000 jobs that do not hold what the filter wants, and one for the place. Raises ConfigError
    for what is no place, StoreError.
    """
    until, now = steady() + within, wall()
    found: list[SortedEntry] = []
    looked = 0
    for page in jobs.pages(
        "down" if newest_first else "up", wanted.needle, _after(jobs, begin, newest_first)
    ):
        for raw, score in page.members:
            entry = jobs.entry(raw, score)
            if not wanted.takes(entry, now):
                continue
            if len(found) == limit:
                return Listing(found, place_of(found[-1]), looked)
            found.append(entry)
        looked += page.looked_at
        if steady() > until:
            return Listing(found, place_of(jobs.entry(*page.last)), looked, done=False)
    return Listing(found, None, looked)


def place_of(entry: SortedEntry) -> str:
    """Return what names the place of *entry*: its score, and a digest of its bytes."""
    return f"{entry.score!r}~{hashlib.sha1(entry.raw, usedforsecurity=False).hexdigest()[:16]}"


def entry_at(jobs: JobSet, place: str) -> SortedEntry | None:
    """Return the very entry at a *place*; None when it is gone. One round trip. Raises ConfigError."""
    score, digest = _read(place)
    raw = _member(jobs.home, jobs.key, score, digest)
    return None if raw is None else jobs.entry(raw, score)


def _after(jobs: JobSet, begin: str, newest_first: bool) -> Place | None:
    if not begin:
        return None
    score, digest = _read(begin)
    raw = _member(jobs.home, jobs.key, score, digest)
    if raw is None:  # it is gone: rather show some twice than pass one over
        raw = _END if newest_first else b""
    return raw, score


def _read(place: str) -> tuple[bytes, str]:
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ConfigError(f"{place[:60]!r} is no place in a set: pass the one that a page told")
    return found[1].encode(), found[2]


def _member(home: Connection, key: str, score: bytes, digest: str) -> bytes | None:
    raw: bytes | None = home.call(scripts.set_place((key,), (score, digest)))
    return raw
