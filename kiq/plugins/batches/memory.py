"""Batches without Redis, for ``kiq.testing``: the same rules as ``lua/shared.lua``, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ...clock import wall
from . import keys
from .reader import KINDS, BatchStatus

_OPEN, _RUNNING, _CANCELLED = "open", "running", "cancelled"
_ENDED, _WAITS, _WITHIN = 9, 2, (0, 2, 9)


@dataclass
class Remembered:
    """One batch; see ``lua/shared.lua`` for the scores of *others*."""

    bid: str
    description: str
    tags: Sequence[str]
    callbacks: dict[str, list[tuple[str, bytes]]]
    state: str = _OPEN
    jobs: set[str] = field(default_factory=set)
    others: dict[str, int] = field(default_factory=dict)
    total: int = 0
    skipped: int = 0
    batches: int = 0
    why: str = ""
    told: dict[str, float] = field(default_factory=dict)
    made: float = field(default_factory=wall)

    def count(self, low: int, high: int) -> int:
        """How many of *others* have a score from *low* to *high*."""
        return sum(low <= score <= high for score in self.others.values())


class Memory:
    """Batches, and the callbacks that are *due*. Threads: one at a time."""

    def __init__(self) -> None:
        self.batches: dict[str, Remembered] = {}
        self.due: list[bytes] = []

    def begin(self, one: Remembered, jid: str) -> str:
        """Begin a batch; return why not, "" if it may."""
        outer = keys.parent_of(one.bid)
        if outer:
            why = self.closed(outer, jid)
            if why:
                return why
            self.batches[outer].others[one.bid] = 0
            self.batches[outer].batches += 1
        self.batches[one.bid] = one
        return ""

    def closed(self, bid: str, jid: str) -> str:
        """Return why nothing may be added to *bid*, "" if it may."""
        for each in keys.lineage(bid):
            one = self.batches.get(each)
            if one is None:
                return "gone"
            if one.state == _CANCELLED:
                return "cancelled"
        one = self.batches[bid]
        if "success" in one.told:
            return "finished"
        if "end" not in one.told or jid in one.jobs or jid in one.others:
            return ""
        return "finished"

    def join(self, bid: str, jids: Sequence[str]) -> None:
        """Let *jids* belong to *bid*."""
        one = self.batches[bid]
        one.total += len(set(jids) - one.jobs)
        one.jobs |= set(jids)

    def part(self, bid: str, jids: Collection[str]) -> None:
        """Let *jids*, which were not pushed after all, not belong to *bid*."""
        one = self.batches[bid]
        one.total -= len(one.jobs & set(jids))
        one.jobs -= set(jids)

    def commit(self, bid: str, last: bool) -> None:
        """Note that what was pushed was the *last* of its block; see what it has come to."""
        one = self.batches[bid]
        if last and one.state == _OPEN:
            one.state = _RUNNING
        self.judge(bid)

    def cancelled(self, bid: str) -> bool:
        """Tell whether *bid*, or what it is in, is cancelled."""
        found = [self.batches.get(each) for each in keys.lineage(bid)]
        return any(one is not None and one.state == _CANCELLED for one in found)

    def leave(self, bid: str, jid: str, what: str) -> bool:
        """Note what a job has come to; tell whether it was one of the batch."""
        one = self.batches.get(bid)
        if one is None or (jid not in one.jobs and jid not in one.others):
            return False
        score = one.others.get(jid)
        callback = score in _WITHIN
        one.jobs.discard(jid)
        if what in ("done", "skipped"):
            one.others.pop(jid, None)
            one.skipped += what == "skipped" and not callback
        elif what == "retry":
            one.others[jid] = _WAITS if callback else 1
        else:
            what = "5" if what == "4" and one.state == _CANCELLED else what
            one.others[jid] = _ENDED if callback else int(what)
            if what in ("3", "7"):
                for each in keys.lineage(bid):
                    outer = self.batches.get(each)
                    if outer is not None and outer.state != _CANCELLED:
                        self._fire(outer, "death")
        self.judge(bid)
        return True

    def cancel(self, bid: str, why: str) -> str:
        """Cancel *bid*, and what is within it; return why not, "" if it could be."""
        one = self.batches.get(bid)
        if one is None or "end" in one.told or one.state == _CANCELLED:
            return "gone" if one is None else "finished"
        one.state, one.why = _CANCELLED, why
        one.told["cancelled"] = wall()
        for each, score in list(one.others.items()):
            if each.startswith(f"{bid}.") and score <= _WAITS:
                self.cancel(each, "the batch that it is in was cancelled")
        self.judge(bid)
        return ""

    def judge(self, bid: str) -> None:
        """See what *bid* has come to; then the one that it is in."""
        one = self.batches.get(bid)
        if one is None or one.state == _OPEN or one.jobs:
            return
        news = -1
        if one.state != _CANCELLED:
            if "complete" not in one.told and not one.count(0, 0):
                self._fire(one, "complete")
                news = _WAITS
            if "complete" in one.told and "success" not in one.told and not one.others:
                self._fire(one, "success")
                news = 0
        if not one.count(0, 2) and "end" not in one.told:
            self._fire(one, "end")
            news = 0 if "success" in one.told else _ENDED
        outer = self.batches.get(keys.parent_of(bid))
        if outer is not None and news >= 0 and bid in outer.others:
            if news == 0:
                del outer.others[bid]
            else:
                outer.others[bid] = news
            self.judge(outer.bid)

    def _fire(self, one: Remembered, event: str) -> None:
        if event in one.told:
            return
        one.told[event] = wall()
        outer = self.batches.get(keys.parent_of(one.bid))
        for jid, raw in one.callbacks.get(event, ()):
            if outer is not None:
                outer.others[jid] = 0
            self.due.append(raw)

    def status(self, bid: str) -> BatchStatus | None:
        """Return how *bid* is."""
        one = self.batches.get(bid)
        if one is None:
            return None
        kinds = {kind: one.count(*span) for kind, span in KINDS.items()}
        return BatchStatus(
            bid=bid,
            description=one.description,
            tags=tuple(one.tags),
            state=one.state,
            created_at=one.made,
            total=one.total,
            pending=len(one.jobs),
            skipped=one.skipped,
            batches=one.batches,
            waiting=sum(one.count(score, score) for score in _WITHIN),
            complete_at=one.told.get("complete"),
            success_at=one.told.get("success"),
            death_at=one.told.get("death"),
            end_at=one.told.get("end"),
            cancelled_at=one.told.get("cancelled"),
            why=one.why,
            **kinds,
        )


#: What ``kiq.testing`` remembers.
memory = Memory()
