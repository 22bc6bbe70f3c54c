"""Promotion: due members of the retry and scheduled sets on their way to their queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, NamedTuple

from .. import keys
from ..errors import StoreError, StoreUnavailable
from ..guarding import Guarded
from ..sender import Refusal
from . import scripts
from .connection import Link
from .flight import MAX_BYTES
from .guarded import guarded_due, read_answer
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
    """One claimed job that goes to the list *queue* as *raw*, if those guards permit it that it has."""

    delivery: str
    queue: str
    raw: bytes
    guarded: Guarded | None = None


#: What became of a guarded promotion.
Answer = bool | Refusal
Reader = Callable[[Sequence[Any]], Sequence[Any]]


class Committed(NamedTuple):
    """How many *plain* jobs entered their queues, and why a queue refused; or the error of all.

    *guarded* has for each group, and each job in it: True if it entered its queue, False if it was not in
    flight any more, else why it stays there.
    """

    plain: tuple[int, list[str]] | StoreError
    guarded: list[list[Answer]]


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
    plain: Sequence[Promotion],
    cleared: Sequence[bytes] = (),
    around: Callable[[list[Command]], tuple[list[Command], Reader]] = _alone,
    guarded: Sequence[Sequence[Promotion]] = (),
) -> Committed:
    """Move claimed jobs to their queues, those that have guards if these permit it. One round trip.

    *guarded* has a group of them for each queue. *cleared* are claimed payloads that are suspects no more:
    they have passed. *around* adds what rides on the commands (that of the plain ones, if there are any,
    then one for each group), which are the first that it gets, and takes it off the replies. Raises
    StoreUnavailable.
    """
    flight = keys.inflight(source, owner)
    commits = [_plain(flight, plain)] if plain else []
    commits += [
        guarded_due(flight, group[0].queue, [(one.raw, one.delivery, one.guarded) for one in group])
        for group in guarded
    ]
    commands, read = around([*commits, *_clearing(cleared)])
    try:
        replies = list(read(link.exchange(commands)))
    except StoreUnavailable:
        raise
    except StoreError as error:
        replies = [error] * len(commits)
    entered = _entered(replies.pop(0)) if plain else (0, [])
    return Committed(
        entered, [_answers(link, *pair) for pair in zip(guarded, replies, strict=False)]
    )


def _plain(flight: str, promotions: Sequence[Promotion]) -> Command:
    queues: dict[str, list[Promotion]] = {}
    for promotion in promotions:
        queues.setdefault(promotion.queue, []).append(promotion)
    names = [flight, keys.QUEUES]
    for queue in queues:
        names += (keys.queue(queue), keys.idle(queue))
    ordered = [promotion for group in queues.values() for promotion in group]
    return scripts.commit(
        names,
        (
            *queues,
            *map(len, queues.values()),
            *(promotion.delivery for promotion in ordered),
            *(promotion.raw for promotion in ordered),
        ),
    )


def _entered(reply: Any) -> tuple[int, list[str]] | StoreError:
    if isinstance(reply, StoreError):
        return reply
    return reply[0], [text.decode(errors="replace") for text in reply[2::2]]


def _clearing(cleared: Sequence[bytes]) -> list[Command]:
    digests = [sha1(raw, usedforsecurity=False).hexdigest() for raw in cleared]
    return [("HDEL", name, *digests) for name in (keys.MARKERS, keys.SUSPECTS) if digests]


def _answers(link: Link, group: Sequence[Promotion], reply: Any) -> list[Answer]:
    if isinstance(reply, StoreError):
        return [reply] * len(group)
    return [
        read_answer(answer, one.guarded, link.where) if isinstance(answer, bytes) else answer == 1
        for one, answer in zip(group, reply, strict=True)
    ]
