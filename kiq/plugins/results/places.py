"""Where a job is now, as :func:`kiq.api.find` tells it."""

from __future__ import annotations

from dataclasses import dataclass

from ...api.finding import find
from ...api.home import Connection
from .terms import attempt_of

#: What a job is that is there, by where it is. What a process took may wait there for a thread.
_STATUS = {"fetched": "waiting", "promoting": "waiting"}


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a job is: *status* is "waiting", "running", "scheduled", "retrying" or "dead".

    In *queue*, or due (dead: since) *at*, epoch seconds; *attempt* is its next one, or the one at work.
    """

    status: str
    queue: str = ""
    at: float | None = None
    attempt: int = 1


def whereabouts(home: Connection, jid: str) -> Whereabouts | None:
    """Return where *jid* is, or None where it is nowhere; round trips as of :func:`kiq.api.find`."""
    found = find(jid, home)
    if not found:
        return None
    payload = found.record.payload if found.record is not None else {}
    status = _STATUS.get(found.where, found.where)
    return Whereabouts(status, found.queue or "", found.score, attempt_of(payload))
