"""Reads what is kept of a job: its attempts, and what its last one logged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ...api.home import connection
from . import keys


@dataclass(frozen=True, slots=True)
class JobAttempt:
    """An attempt, or what else ended a job's stay with somebody.

    *at* is when it began (epoch seconds; where it did not run, when it was over). *waited* and *ran* are
    seconds, None where that is not known. *process* is its host and pid, *word* what became of the job
    (``done``, ``retried``, ``snoozed``, ``dead``, ``dropped``, ``put back``, ``lost``, ``killed``,
    ``deleted``), *said* the error or the reason in short.
    """

    number: int
    at: float
    waited: float | None
    ran: float | None
    process: str
    word: str
    said: str = ""


def attempts(jid: str, client: Any = None) -> list[JobAttempt]:
    """Return what is kept of the attempts of *jid*, the oldest first. One round trip; raises StoreError.

    [] where nothing is kept, or nothing any more. *client* as for :func:`kiq.api.connection`.
    """
    raws = connection(client).call(("LRANGE", keys.history(jid), 0, -1))
    return [one for one in map(_attempt, raws) if one is not None]


def job_log(jid: str, client: Any = None) -> list[str] | None:
    """Return the lines that the last attempt of *jid* logged; None where none are kept.

    A line has epoch seconds, a level, and what was said; one in their midst says how many were cut. One
    round trip; raises StoreError.
    """
    raw = connection(client).call(("GET", keys.log(jid)))
    return None if raw is None else raw.decode(errors="replace").split("\n")


def _attempt(raw: bytes) -> JobAttempt | None:
    """Read one; None for what another program wrote there."""
    try:
        at, number, waited, ran, process, word, *said = json.loads(raw.decode(errors="replace"))
        return JobAttempt(
            int(number),
            float(at) / 1000,
            _seconds(waited),
            _seconds(ran),
            str(process),
            str(word),
            str(said[0]) if said else "",
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _seconds(milliseconds: Any) -> float | None:
    return None if milliseconds is None else float(milliseconds) / 1000
