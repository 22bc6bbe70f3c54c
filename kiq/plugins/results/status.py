"""What is known of a job: what it came to, or where it is."""

from __future__ import annotations

from dataclasses import dataclass

from .places import Whereabouts
from .progress import Progress
from .record import Outcome
from .sources import Source


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a job: *status*, and where that comes from.

    *status* is "waiting", "running", "scheduled", "retrying"; "done", "dead", "discarded", "deleted";
    "expired", or "unknown". *where* says in which place it is, None where it is in none; *outcome* what it
    came to, if that is kept; *why* is words.
    """

    jid: str
    status: str
    where: Whereabouts | None = None
    outcome: Outcome | None = None
    progress: Progress | None = None
    why: str = ""


def status_of(source: Source, jid: str) -> Status:
    """Return what is known of *jid*; see :meth:`kiq.Result.look`."""
    (what,) = source.seen([jid])
    outcome = what.outcome
    if outcome is not None and (outcome.status != "dead" or source.is_dead_still(outcome)):
        return Status(jid, outcome.status, outcome=outcome, progress=outcome.progress)
    where = source.whereabouts(jid)
    far = what.underway.progress if what.underway is not None else None
    if where is not None:
        return Status(jid, where.status, where, outcome, far)
    (again,) = source.seen([jid])  # it may have ended meanwhile
    outcome = again.outcome
    if outcome is not None:
        return Status(jid, outcome.status, outcome=outcome, progress=outcome.progress)
    return Status(jid, "expired" if again.gone else "unknown", progress=far, why=again.gone)


def is_ready(source: Source, jid: str) -> bool:
    """Tell whether *jid* has ended. One round trip, two where it died."""
    (what,) = source.seen([jid])
    outcome = what.outcome
    if outcome is None or outcome.status != "dead":
        return outcome is not None
    return source.latest(what) is not None


def progress_of(source: Source, jid: str) -> Progress | None:
    """Return how far *jid* has come, or had when it ended. One round trip."""
    (what,) = source.seen([jid])
    if what.underway is not None:
        return what.underway.progress
    return what.outcome.progress if what.outcome is not None else None
