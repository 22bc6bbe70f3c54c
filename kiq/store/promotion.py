"""Promotion: due members of the retry and scheduled sets on their way to their queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import keys
from . import scripts
from .connection import Link
from .flight import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Claimed:
    """Due members in the poller's in-flight hash; *next_due* is the score of what is left, if any."""

    fenced: bool
    raws: list[bytes]
    next_due: float | None
    now: float


@dataclass(frozen=True, slots=True)
class Promotion:
    """One claimed job that goes to *queue* as *raw*."""

    delivery: str
    queue: str
    raw: bytes


def claim(
    link: Link, owner: str, source: str, call: int, limit: int, size: int = MAX_BYTES
) -> Claimed:
    """Take up to *limit* due members of *source*, of some *size* bytes; the i-th has the id ``call.i``.

    Call numbers of a source rise: one that took something before raises StoreError, as it would write
    over the jobs of the first. Due by Redis's clock. One round trip.
    """
    reply = link.call(
        scripts.claim(
            (keys.record(owner), source, keys.inflight(source, owner)), (call, limit, size)
        )
    )
    if reply[0] == b"fenced":
        return Claimed(True, [], None, 0.0)
    _, raws, next_due, now = reply
    return Claimed(False, raws, float(next_due) if next_due else None, float(now))


def commit(
    link: Link, owner: str, source: str, promotions: Sequence[Promotion]
) -> tuple[int, list[str]]:
    """Move claimed jobs to their queues; return how many, and why a queue refused. One round trip."""
    queues: dict[str, list[Promotion]] = {}
    for promotion in promotions:
        queues.setdefault(promotion.queue, []).append(promotion)
    names = [keys.inflight(source, owner), keys.QUEUES]
    for queue in queues:
        names += (keys.queue(queue), keys.idle(queue))
    ordered = [promotion for group in queues.values() for promotion in group]
    command = scripts.commit(
        names,
        (
            *queues,
            *map(len, queues.values()),
            *(promotion.delivery for promotion in ordered),
            *(promotion.raw for promotion in ordered),
        ),
    )
    reply = link.call(command)
    refused = [text.decode(errors="replace") for text in reply[2::2]]
    return reply[0], refused
