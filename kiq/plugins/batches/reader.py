"""What batches have come to, for people and pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...api import shown
from ...api.home import Connection, connection
from ...api.sifting import Sifted, sift
from ...errors import BatchClosed
from ...store.scripts import Command
from . import keys
from .calling_off import call_off

_PAGE = 500
_TIMES = ("complete_at", "success_at", "death_at", "end_at", "cancelled_at")
_FIELDS = ("description", "tags", "state", "created_at", "total", "skipped", "batches", "why")
#: What scores say of jobs that have neither succeeded nor are yet to run; see ``shared.lua``.
KINDS = {
    "retrying": (1, 1),
    "dead": (3, 3),
    "deleted": (4, 4),
    "cancelled": (5, 5),
    "lost": (6, 6),
    "failed": (7, 7),
    "refused": (8, 8),
}
_WITHIN = (0, 2, 9)


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch as it was when it was looked at. Times are epoch seconds, None for what has not been.

    *total* is how many jobs it has, each once however often it runs; they add up: *pending* (no attempt has
    ended), *retrying*, *succeeded*, *skipped* (discarded, vetoed, expired: they don't hinder success),
    *dead*, *deleted*, *cancelled*, *lost* (nobody knows where: another program deleted them, say),
    *failed* (given up, and in no dead set) and *refused* (by Redis, when they were pushed). *batches* is
    how many were made within it, *waiting* how many of these, and of their callbacks, have not succeeded.
    """

    bid: str
    description: str
    tags: tuple[str, ...]
    state: str
    created_at: float
    total: int
    pending: int
    retrying: int
    skipped: int
    dead: int
    deleted: int
    cancelled: int
    lost: int
    failed: int
    refused: int
    batches: int
    waiting: int
    complete_at: float | None = None
    success_at: float | None = None
    death_at: float | None = None
    end_at: float | None = None
    cancelled_at: float | None = None
    why: str = field(default="", compare=False)

    @property
    def parent(self) -> str:
        """The id of the batch that it is within; "" for none."""
        return keys.parent_of(self.bid)

    @property
    def succeeded(self) -> int:
        """How many of its jobs have succeeded."""
        gone = self.dead + self.deleted + self.cancelled + self.lost + self.failed + self.refused
        return self.total - self.pending - self.retrying - self.skipped - gone

    @property
    def progress(self) -> float:
        """Which part of its jobs has come to an end, one way or another: 0 to 1."""
        return 1 - (self.pending + self.retrying) / self.total if self.total else 1.0

    @property
    def over(self) -> bool:
        """Whether nothing of it can run any more: its last event has been told."""
        return self.end_at is not None

    @property
    def success(self) -> bool:
        """Whether all of it has succeeded."""
        return self.success_at is not None


class BatchSet:
    """The batches that are there. *client* as for :func:`kiq.api.connection`."""

    def __init__(self, client: Any = None) -> None:
        self._home = connection(client)

    @property
    def size(self) -> int:
        """How many there are; some may have gone. One round trip."""
        return int(self._home.call(("ZCARD", keys.BATCHES)))

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # a set is one, also when it is empty

    def __iter__(self) -> Iterator[BatchStatus]:
        """Yield them, the newest first; two round trips for 500."""
        return self.select()

    def select(
        self, *, tag: str | None = None, text: str | None = None, running: bool = False
    ) -> Iterator[BatchStatus]:
        """Yield those with this *tag*, and *text* in id or description; with *running* those not over."""
        before, seen = "+inf", set[bytes]()
        while True:
            command = (
                *("ZREVRANGEBYSCORE", keys.BATCHES, before, "-inf", "WITHSCORES"),
                *("LIMIT", 0, _PAGE + len(seen)),
            )
            found = self._home.call(command)
            names = [name for name in found[::2] if name not in seen]
            if not names:
                return
            # Those of the last score may go on in the next page.
            before = found[-1].decode()
            seen = {
                name
                for name, score in zip(found[::2], found[1::2], strict=True)
                if score == found[-1]
            }
            for one in statuses(self._home, [name.decode() for name in names]):
                if one is not None and _fits(one, tag, text, running):
                    yield one

    def page(
        self,
        begin: str = "",
        *,
        tag: str | None = None,
        text: str | None = None,
        running: bool = False,
        limit: int = 25,
    ) -> Sifted[BatchStatus]:
        """Return a page of what :meth:`select` yields, from the place *begin* on ("": the newest).

        Looks for 0.15 seconds at most, or at one slice: two round trips. Raises ConfigError for no place.
        """

        def meant(bids: Sequence[str]) -> list[BatchStatus | None]:
            found = statuses(self._home, bids)
            return [one if one and _fits(one, tag, text, running) else None for one in found]

        every = tag is None and text is None and not running
        return sift(self._home, keys.BATCHES, meant, begin, all_are_meant=every, limit=limit)

    def find(self, bid: str) -> BatchStatus | None:
        """Return the batch *bid*; None where there is none. One round trip."""
        return statuses(self._home, [bid])[0]

    def within(self, bid: str, limit: int = 0) -> list[BatchStatus]:
        """Return the batches made in *bid* that have not succeeded; those that have it forgets.

        With *limit* about so many of them at most, where there are more. Two round trips.
        """
        others, some = keys.others(bid), ("LIMIT", 0, limit) if limit else ()
        found = self._home.exchange(
            [("ZRANGEBYSCORE", others, score, score, *some) for score in _WITHIN]
        )
        names = sorted(name.decode() for each in found for name in each)
        bids = [name for name in names if name.startswith(f"{bid}.")][: limit or None]
        return [one for one in statuses(self._home, bids) if one is not None]

    def jobs(self, bid: str, kind: str = "pending") -> Iterator[str]:
        """Yield the jids of its jobs of one *kind*, a field of BatchStatus; 500 for a round trip.

        Which have succeeded, or were skipped, is not kept. Raises KeyError for another kind.
        """
        if kind == "pending":
            yield from self._pending(bid)
            return
        low, high = KINDS[kind]
        first = 0
        while True:
            command = ("ZRANGEBYSCORE", keys.others(bid), low, high, "LIMIT", first, _PAGE)
            found = self._home.call(command)
            yield from (each.decode(errors="replace") for each in found)
            first += len(found)
            if len(found) < _PAGE:
                return

    def _pending(self, bid: str) -> Iterator[str]:
        cursor = b"0"
        while True:
            cursor, found = self._home.call(("SSCAN", keys.jobs(bid), cursor, "COUNT", _PAGE))
            yield from (each.decode(errors="replace") for each in found)
            if cursor == b"0":
                return

    def cancel(self, bid: str, why: str = "") -> bool:
        """Cancel *bid*, see :meth:`kiq.Batch.cancel`; False where it can't be, or was."""
        try:
            return call_off(self._home, bid, why)
        except BatchClosed:
            return False

    def delete(self, bid: str) -> bool:
        """Forget a batch that is over; False where there is none, or it is not over. Two round trips."""
        one = self.find(bid)
        if one is None or not one.over:
            return False
        names = (keys.record(bid), keys.jobs(bid), keys.others(bid))
        commands: list[Command] = [("UNLINK", *names)]
        commands += [("ZREM", key, bid) for key in (keys.BATCHES, keys.OVER)]
        commands.append(("SREM", keys.OPEN, bid))
        self._home.exchange(commands)
        return True


def statuses(home: Connection, bids: Sequence[str]) -> list[BatchStatus | None]:
    """Return the batches *bids*, None for those that are not there. One round trip for 500."""
    found: list[BatchStatus | None] = []
    for first in range(0, len(bids), _PAGE):
        page = bids[first : first + _PAGE]
        commands: list[Command] = []
        for bid in page:
            commands.append(("HMGET", keys.record(bid), *_FIELDS, *_TIMES))
            commands.append(("SCARD", keys.jobs(bid)))
            commands += [("ZCOUNT", keys.others(bid), *span) for span in KINDS.values()]
            commands += [("ZCOUNT", keys.others(bid), score, score) for score in _WITHIN]
        replies = iter(home.exchange(commands) if commands else [])
        for bid in page:
            values, pending, *counts = [next(replies) for _ in range(2 + len(KINDS) + len(_WITHIN))]
            kinds = dict(zip(KINDS, map(int, counts), strict=False))
            found.append(_status(bid, values, int(pending), kinds, sum(counts[len(KINDS) :])))
    return found


def _status(
    bid: str, values: Sequence[bytes | None], pending: int, kinds: dict[str, int], waiting: int
) -> BatchStatus | None:
    texts = [None if value is None else value.decode(errors="replace") for value in values]
    said = dict(zip((*_FIELDS, *_TIMES), texts, strict=True))
    if said["state"] is None:
        return None
    return BatchStatus(
        bid=bid,
        description=said["description"] or "",
        tags=_tags(said["tags"]),
        state=said["state"],
        created_at=shown.number(said["created_at"]),
        total=shown.whole(said["total"]),
        pending=pending,
        skipped=shown.whole(said["skipped"]),
        batches=shown.whole(said["batches"]),
        waiting=waiting,
        why=said["why"] or "",
        complete_at=_moment(said["complete_at"]),
        success_at=_moment(said["success_at"]),
        death_at=_moment(said["death_at"]),
        end_at=_moment(said["end_at"]),
        cancelled_at=_moment(said["cancelled_at"]),
        **kinds,
    )


def _moment(text: str | None) -> float | None:
    return None if text is None else shown.number(text)


def _tags(text: str | None) -> tuple[str, ...]:
    try:
        return tuple(shown.texts(json.loads(text or "[]")))
    except (ValueError, RecursionError):
        return ()  # another program wrote it


def _fits(one: BatchStatus, tag: str | None, text: str | None, running: bool) -> bool:
    if running and one.over:
        return False
    if tag is not None and tag not in one.tags:
        return False
    return text is None or text in one.bid or text in one.description
