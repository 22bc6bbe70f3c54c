"""The rider of batches: what a job's end is to the batch that it belongs to."""

from __future__ import annotations

from ...codec import decode
from ...errors import Retry, UndecodablePayload
from ...plugin import Ride, Rider
from ...raised import name_of
from ...settled import Deleted, Settled
from ...verdict import CANCELLED, Done, Dropped, ToDead, ToRetry
from . import keys
from .lua import read

FIELD = "bid"
DEAD, DELETED, GIVEN_UP, LOST, FAILED = "3", "4", "5", "6", "7"
_ASKED = name_of(Retry())


def rider() -> Rider:
    """Return the rider."""
    return Rider("batches", lua=read("leave"), releasing=_ride, payload_field=FIELD)


def _ride(job: Settled) -> Ride | None:
    bid = job.payload.get(FIELD)
    if not isinstance(bid, str) or not bid or keys.too_deep(bid):
        return None
    what = _what(job)
    return Ride(keys.names(bid), [bid, job.jid, what]) if what else None


def _what(job: Settled) -> str:
    """Return what *job* has come to, as ``leave.lua`` calls it; "" where it goes on as before."""
    match job.verdict:
        case Done():
            return "done"
        case ToRetry(raw=raw):
            return "" if _asked(raw) else "retry"
        case ToDead():
            return DEAD
        case Dropped(reason=reason, failed=failed, discarded=discarded):
            if reason == CANCELLED:
                return GIVEN_UP
            return FAILED if failed and not discarded else "skipped"
        case Deleted():
            return DELETED
    return ""


def _asked(raw: bytes) -> bool:
    """Tell whether the job itself wanted to be tried again: that is no end of an attempt."""
    try:
        return bool(decode(raw)[0].get("error_class") == _ASKED)
    except UndecodablePayload:
        return False
