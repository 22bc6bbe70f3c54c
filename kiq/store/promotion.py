"""Promotion: due members of the retry and scheduled sets on their way to their queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

from .. import keys
from ..errors import StoreError
from . import scripts
from .connection import Link
from .flight import MAX_BYTES
from .scripts import Command


@dataclass(frozen=True, slots=True)
class Claimed:
    """Due members in the poller's in-flight hash; *next_due* is the score of what is left, if any."""

    fenced: bool
    raws: list[bytes]
    next_due: float | None
    now: float
    suspicions: dict[int, int] = field(default_factory=dict)  # index in raws -> level


@dataclass(frozen=True, slots=True)
class Promotion:
    """One claimed job that goes to *queue* as *raw*."""

    delivery: str
    queue: str
    raw: bytes


Reader = Callable[[Sequence[Any]], Sequence[Any]]


def _alone(commands: list[Command]) -> tuple[list[Command], Reader]:
    return commands, list


def claim(
    link: Link, owner: str, source: str, call: int, limit: int, size: int = MAX_BYTES
) -> Claimed:
    """Take up to *limit* due members of *source*, of some *size* bytes; the i-th has the id ``call.i``.

    Call numbers of a source rise: one that took something before raises StoreError, as it would write
    over the jobs of the first. Due by Redis's clock. One round trip.
    """
    reply = link.call(
        scripts.claim(
            (keys.record(owner), source, keys.inflight(source, owner), keys.SUSPECTS),
            (call, limit, size),
        )
    )
    if reply[0] == b"fenced":
        return Claimed(True, [], None, 0.0)
    _, raws, next_due, now, found = reply
    suspicions = {index - 1: level for index, level in zip(found[::2], found[1::2], strict=True)}
    return Claimed(False, raws, float(next_due) if next_due else None, float(now), suspicions)


def commit(
    link: Link,
    owner: str,
    source: str,
    promotions: Sequence[Promotion],
    cleared: Sequence[bytes] = (),
    around: Callable[[list[Command]], tuple[list[Command], Reader]] = _alone,
) -> tuple[int, list[str]]:
    """Move claimed jobs to their queues; return how many, and why a queue refused. One round trip.

    *cleared* are claimed payloads that are suspects no more: they have passed. *around* adds what rides
    on the command, which is the first that it gets, and takes it off the replies.
    """
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
    digests = [sha1(raw, usedforsecurity=False).hexdigest() for raw in cleared]
    clearing = (keys.MARKERS, keys.SUSPECTS) if digests else ()
    commands, read = around([command, *(("HDEL", name, *digests) for name in clearing)])
    reply, *_ = read(link.exchange(commands))
    if isinstance(reply, StoreError):
        raise reply
    refused = [text.decode(errors="replace") for text in reply[2::2]]
    return reply[0], refused
