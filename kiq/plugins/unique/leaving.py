"""The rider of unique jobs: with a job goes its lock."""

from __future__ import annotations

from collections.abc import Container

from ... import keys
from ...plugin import Ride, Rider
from ...settled import Deleted, GivenBack, Promoted, Settled
from ...verdict import Done, Dropped, PutOff, ToDead, ToRetry, ToSchedule
from . import keys as own
from .lua import read
from .terms import FIELD, Terms, terms_of


class Leavings:
    """What becomes of locks when jobs leave the place where they were.

    Threads: any that settles.
    """

    def __init__(self, parked: Container[str]) -> None:
        """*parked* are the jids that this process sends back to wait until another job has run."""
        self._parked = parked

    def rider(self) -> Rider:
        """Return the rider."""
        return Rider("unique", lua=read("leave"), releasing=self._ride, payload_field=FIELD)

    def _ride(self, job: Settled) -> Ride | None:
        terms = terms_of(job.payload)
        if terms is None or isinstance(job.verdict, Promoted):
            return None  # the guard has seen to what is promoted
        wait_lock, place, raw = self._waiting(job, terms)
        run_lock = "free" if terms.runs_alone else ""
        if run_lock and isinstance(job.verdict, ToSchedule) and job.jid in self._parked:
            run_lock = "wait"
        names = (own.lock(terms.key), own.LOCKS, own.REPLACED, own.lock(own.run_name(terms.key)))
        more = (own.waiting(terms.key), keys.SCHEDULE, keys.bell(keys.POLLER_BELL))
        about = (job.jid, terms.key, wait_lock, place, raw)
        return Ride([*names, *more], [*about, run_lock, own.run_name(terms.key)])

    def _waiting(self, job: Settled, terms: Terms) -> tuple[str, str, bytes]:
        """Return what becomes of the lock since its push; where the job is now, and its bytes."""
        match job.verdict:
            case Done() | Dropped() | ToDead() | Deleted():
                ends = terms.waits and terms.lock != "until_expiry"
                return ("free" if ends else ""), "", b""
            case ToRetry(raw=raw):
                return "keep", keys.RETRY, raw
            case ToSchedule(raw=raw):
                return "keep", keys.SCHEDULE, raw
            case PutOff() | GivenBack():
                at_home = keys.queue_name(job.source) is None
                return "keep", job.source if at_home else "queue", job.raw
        return "keep", "queue", job.raw
