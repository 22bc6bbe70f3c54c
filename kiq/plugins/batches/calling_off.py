"""Cancelling a batch: its record, the mark that workers go by, and what waits for its time."""

from __future__ import annotations

from ...api.home import Connection
from ...api.job_set import RetrySet, ScheduledSet
from ...errors import BatchClosed
from ..cancelling import mark
from . import keys
from .leaving import FIELD
from .steps import cancelled


def call_off(home: Connection, bid: str, why: str = "") -> bool:
    """Cancel *bid*, and all within it; False if it was over, or cancelled. Raises BatchClosed."""
    answer = home.call(cancelled(bid, why))
    if answer == b"gone":
        raise BatchClosed(f"there is no batch {bid}: it was deleted, or has been over for long")
    if answer == b"finished":
        return False
    home.call(mark(bid))
    enforce(home, bid)
    return bool(answer == 1)


def enforce(home: Connection, bid: str) -> None:
    """Cancel what is within the cancelled *bid*, and delete of it what waits for its time."""
    within = f"{bid}.".encode()
    for each in home.call(("ZRANGEBYSCORE", keys.others(bid), 0, 2)):
        if each.startswith(within):
            home.call(cancelled(each.decode(), "the batch that it is in was cancelled"))
            enforce(home, each.decode())
    for jobs in (ScheduledSet(home), RetrySet(home)):
        for entry in jobs.scan(bid):
            if _belongs(entry.payload.get(FIELD), bid):
                entry.delete()


def _belongs(said: object, bid: str) -> bool:
    return isinstance(said, str) and (said == bid or said.startswith(f"{bid}."))
