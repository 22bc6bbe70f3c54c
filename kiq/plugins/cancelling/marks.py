"""Marks: what says in Redis that a job was cancelled."""

from __future__ import annotations

from importlib import resources
from typing import Any

from ... import keys
from ...store.scripts import Command
from .keys import CANCEL_BELL

#: Seconds that a mark counts: a job that waits longer than that in a queue runs after all.
LIFE = 7 * 86_400
#: Marks that are kept, the newest; a worker holds them in memory.
MOST = 100_000
#: Marks this much older than the newest known (seconds) are read again: Redis's clock may be set.
_OVERLAP = 60

_MARK = (resources.files("kiq.plugins.cancelling") / "lua" / "mark.lua").read_text("utf-8")


def mark(jid: str) -> Command:
    """Return the command that marks *jid*, and tells the workers. Atomic.

    In its place may stand the id of what jobs belong to: see :func:`kiq.worker_state.cancelled_as`.
    """
    names = (keys.CANCELLED, keys.iteration(jid), keys.bell(CANCEL_BELL))
    return ("EVAL", _MARK, len(names), *names, jid, LIFE, MOST)


class Ledger:
    """The marks that this process knows.

    Threads: one at a time.
    """

    def __init__(self) -> None:
        self.known: dict[str, float] = {}  # jid -> score
        self._newest = 0.0

    def commands(self, everything: bool) -> list[Command]:
        """Return what reads the marks: all that count, or those that may be new."""
        since = 0.0 if everything else max(0.0, self._newest - _OVERLAP)
        return [
            ("TIME",),
            ("ZREVRANGEBYSCORE", keys.CANCELLED, "+inf", since, "WITHSCORES", "LIMIT", 0, MOST),
        ]

    def read(self, replies: list[Any], everything: bool) -> set[str]:
        """Read the replies; return the jids whose marks are new. What counts no more is forgotten."""
        (now, _), flat = replies
        found = {
            raw.decode(errors="replace"): float(score)
            for raw, score in zip(flat[::2], flat[1::2], strict=True)
            if float(score) > float(now)
        }
        fresh = {jid for jid, score in found.items() if self.known.get(jid) != score}
        if everything:
            self.known = found
        else:
            self.known.update(found)
        self._newest = max(found.values(), default=0.0 if everything else self._newest)
        return fresh
