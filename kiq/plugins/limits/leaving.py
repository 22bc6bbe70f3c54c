"""The rider of limits: a slot ends with its delivery, and who waits longest comes."""

from __future__ import annotations

from ...keys import queue_name
from ...plugin import Ride, Rider
from ...settled import GivenBack, Promoted, Settled
from ...verdict import PutOff, ToQueue, ToSchedule
from .asking import LEAVE, leave
from .naming import FIELD
from .starting import Partings, holder_of, since_the_end
from .terms import limits_of


class Leavings:
    """What becomes of limits when jobs leave the place where they were.

    Threads: any that settles.
    """

    def __init__(self, partings: Partings) -> None:
        self._partings = partings

    def rider(self) -> Rider:
        """Return the rider."""
        return Rider("limits", lua=LEAVE, releasing=self._ride, payload_field=FIELD)

    def _ride(self, job: Settled) -> Ride | None:
        limits = limits_of(job.payload)
        if not limits or isinstance(job.verdict, Promoted):
            return None
        holder = holder_of(job.token, job.jid, queue_name(job.source) or "")
        parting = self._partings.of(job.token) if job.token else None
        what, waits, closes = "over", None, None
        if isinstance(job.verdict, GivenBack | ToQueue | PutOff):
            what = "keep"
        elif parting is not None and parting.closed is not None:
            closes = (parting.place, parting.closed)
        elif parting is not None and isinstance(job.verdict, ToSchedule):
            what, waits = "park", (parting.place, job.verdict.raw, parting.since)
        ago = since_the_end(job.verdict)
        return Ride(*leave(limits, job.jid, holder, what, waits=waits, closes=closes, ago=ago))
