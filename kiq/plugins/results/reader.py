"""Reading what is known of jobs by their jids: one round trip, however many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ... import keys as of_kiq
from ...api.home import Connection
from ...codec import decode
from ...errors import UndecodablePayload
from . import keys
from .progress import Underway, underway_of
from .record import Outcome, outcome_of

_PAGE = 500
_SAME = 100  # dead jobs of one moment that are looked at


@dataclass(frozen=True, slots=True)
class Seen:
    """What Redis says of *jid*: its *record* (bytes), how far it came, until when a result was kept.

    *kept_until* is epoch seconds by Redis's clock, which says *now*; None where no end is remembered.
    """

    jid: str
    record: bytes | None
    underway: Underway | None
    kept_until: float | None
    now: float

    @property
    def outcome(self) -> Outcome | None:
        """What it came to; None where that is not there."""
        return outcome_of(self.jid, self.record)

    @property
    def gone(self) -> str:
        """Why there is no result of a job that ended once; "" where there is one, or no end is known."""
        if self.record is not None or self.kept_until is None or self.underway is not None:
            return ""
        if self.kept_until <= self.now:
            return "its result has expired"
        return "its result is gone before its time: Redis was full, or restarted without its data"


def seen(home: Connection, jids: Sequence[str]) -> list[Seen]:
    """Return what is known of each of *jids*. One round trip for 500. Raises StoreError."""
    found: list[Seen] = []
    for first in range(0, len(jids), _PAGE):
        page = jids[first : first + _PAGE]
        records, farthest, ended, (seconds, micro) = home.exchange(
            (
                ("MGET", *map(keys.result, page)),
                ("MGET", *map(keys.progress, page)),
                ("ZMSCORE", keys.ENDED, *page),
                ("TIME",),
            )
        )
        now = int(seconds) + int(micro) / 1e6
        for jid, record, far, until in zip(page, records, farthest, ended, strict=True):
            kept_until = None if until is None else float(until)
            found.append(Seen(jid, record, underway_of(far), kept_until, now))
    return found


def is_dead_still(home: Connection, outcome: Outcome) -> bool:
    """Tell whether what died is in the dead set. One round trip; False where its place is not known."""
    if not outcome.died_at:
        return False
    at = outcome.died_at
    same = home.call(("ZRANGEBYSCORE", of_kiq.DEAD, at, at, "LIMIT", 0, _SAME))
    return any(_jid(raw) == outcome.jid for raw in same)


def _jid(raw: bytes) -> str:
    try:
        return str(decode(raw)[0].get("jid", ""))
    except UndecodablePayload:
        return ""
