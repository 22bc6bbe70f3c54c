"""What ``kiq verify`` asks of batches: whether their jobs are there, and their events were told."""

from __future__ import annotations

from collections.abc import Iterator

from ...plugin import Check, Doubt, Survey
from . import keys
from .leaving import LOST
from .steps import judged, left


def check() -> Check:
    """Return the check."""
    return Check("batches", _look)


def _look(survey: Survey) -> Iterator[Doubt]:
    for raw in survey.call(("SMEMBERS", keys.OPEN)):
        bid = raw.decode(errors="replace")
        state, end = survey.call(("HMGET", keys.record(bid), "state", "end_at"))
        if state is None:
            yield Doubt(f"batch {bid}", "it is listed, and has no record", ("SREM", keys.OPEN, bid))
            continue
        pending = survey.call(("SCARD", keys.jobs(bid)))
        runs = survey.call(("ZCOUNT", keys.others(bid), 0, 2))
        if not pending and not runs and end is None and state != b"open":
            yield Doubt(f"batch {bid}", "all of it has ended, and nobody was told", judged(bid))
        yield from _nowhere(survey, bid)


def _nowhere(survey: Survey, bid: str) -> Iterator[Doubt]:
    cursor = b"0"
    while True:
        cursor, found = survey.call(("SSCAN", keys.jobs(bid), cursor, "COUNT", 1000))
        for jid in (each.decode(errors="replace") for each in found):
            if not survey.knows(jid):
                yield Doubt(
                    f"batch {bid}",
                    f"its job {jid} is nowhere",
                    left(bid, jid, LOST),
                    "workers take it for lost within a minute, if any of them runs",
                )
        if cursor == b"0":
            return
