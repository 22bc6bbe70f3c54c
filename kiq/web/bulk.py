"""Bulk acts that run beside the pages: how far they are stands in Redis, where every process sees it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, get_args

from ..api import Acted, Connection, Deed, Filter, JobSet, act_of, carry_out, undoable
from ..clock import steady, wall
from ..errors import StoreError
from . import keys

DEEDS: Sequence[Deed] = get_args(Deed)
_KEEP = 86_400  # seconds that an act is told about
_SILENT = 20.0  # seconds without a step: the server that did it is gone
_TRIES, _BETWEEN = 60, 1.0  # to write how it ended, while Redis is away


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: *deed* to the jobs of *sets* that *wanted* means, as they were *at* a time.

    *rate* is how many a second at most (0: as fast as it goes).
    """

    key: str
    deed: Deed
    sets: Sequence[str]
    wanted: Filter
    at: float
    rate: float
    visitor: str


@dataclass(frozen=True, slots=True)
class Course:
    """How far a bulk act is.

    *state* is ``runs``, ``done``, ``stopped``, ``failed``, or ``gone``: the server that did it is.
    """

    state: str
    deed: str
    sets: Sequence[str]
    text: str
    visitor: str
    looked_at: int
    total: int
    handled: int
    left: Mapping[str, int]
    problem: str
    began: float
    beat: float
    stopping: bool

    @property
    def left_count(self) -> int:
        """How many jobs that were meant are where they were."""
        return sum(self.left.values())


def course_of(home: Connection, key: str) -> Course | None:
    """Return how far the act *key* is; None: nobody knows of it any more. One round trip."""
    flat = home.call(("HGETALL", keys.bulk(key)))
    said = {
        name.decode(): value.decode(errors="replace")
        for name, value in zip(flat[::2], flat[1::2], strict=True)
    }
    try:
        sets, left = json.loads(said["sets"]), json.loads(said.get("left", "{}"))
        state, beat = said["state"], float(said["beat"])
        return Course(
            state="gone" if state == "runs" and wall() - beat > _SILENT else state,
            deed=said["deed"],
            sets=[str(each) for each in sets],
            text=said["text"],
            visitor=said["visitor"],
            looked_at=int(said["looked_at"]),
            total=int(said["total"]),
            handled=int(said["handled"]),
            left={str(why): int(count) for why, count in left.items()},
            problem=said.get("problem", ""),
            began=float(said["began"]),
            beat=beat,
            stopping="stop" in said,
        )
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def stop(home: Connection, key: str) -> None:
    """Have the act *key* end after the batch that it is at. Two round trips."""
    if home.call(("EXISTS", keys.bulk(key))):
        home.call(("HSET", keys.bulk(key), "stop", "1"))


class Run:
    """One bulk act under way. Threads: one, of :class:`~kiq.web.background.Background`.

    *told* is called at the end with what it came to, in words.
    """

    def __init__(
        self,
        home: Connection,
        order: Order,
        jobs_of: Callable[[str], JobSet],
        told: Callable[[str], None],
    ) -> None:
        self._home, self._order, self._jobs_of, self._told = home, order, jobs_of, told
        self._began = steady()
        self._before = (0, 0, 0)  # of the sets that are through: looked at, in all, handled
        self._done, self._left = 0, Counter[str]()
        self._stopped = False

    def begin(self) -> None:
        """Write that it is about to begin. One round trip; raises StoreError: then it must not."""
        order = self._order
        fields = {
            **{"state": "runs", "deed": order.deed, "sets": json.dumps(list(order.sets))},
            **{"text": order.wanted.text, "visitor": order.visitor, "began": wall()},
            **{"looked_at": 0, "total": 0, "handled": 0},
        }
        self._write(fields)

    def __call__(self) -> None:
        """Do it, set by set."""
        state, problem = "done", ""
        try:
            with self._undoable():
                for name in self._order.sets:
                    self._through(self._jobs_of(name))
                    if self._stopped:
                        state = "stopped"
                        break
        except StoreError as error:
            state, problem = "failed", str(error)
            if isinstance(error.acted, Acted):
                self._count(error.acted)
        self._end(state, problem)

    def _undoable(self) -> AbstractContextManager[object]:
        order = self._order
        what = " ".join((f"bulk.{order.deed}", *order.sets, order.wanted.text))
        return undoable(order.visitor, what, client=self._home, act=act_of(order.key))

    def _through(self, jobs: JobSet) -> None:
        order, size = self._order, jobs.size
        acted = carry_out(jobs, order.deed, order.wanted, order.at, self._step)
        self._count(acted)
        looked_at, total, handled = self._before
        self._before = (looked_at + size, total + size, handled + int(acted))

    def _count(self, acted: Acted) -> None:
        self._done += int(acted)
        self._left.update(acted.left)

    def _step(self, looked_at: int, total: int, handled: int) -> bool:
        """Write how far it is; wait, where it would be too fast; tell whether to go on."""
        before = self._before
        fields = {"looked_at": before[0] + looked_at, "total": before[1] + total}
        while True:
            self._stopped = self._write({**fields, "handled": before[2] + handled})
            rate = self._order.rate
            early = (before[2] + handled) / rate - (steady() - self._began) if rate else 0.0
            if self._stopped or early <= 0:
                return not self._stopped
            time.sleep(min(1.0, early))

    def _end(self, state: str, problem: str) -> None:
        fields: dict[str, Any] = {"state": state, "handled": self._done, "problem": problem}
        fields["left"] = json.dumps(dict(self._left))
        for _ in range(_TRIES):
            try:
                self._write(fields)
                self._told(self._words(state, problem))
            except StoreError:
                time.sleep(_BETWEEN)
            else:
                return

    def _words(self, state: str, problem: str) -> str:
        past = {"retry": "retried", "kill": "killed", "delete": "deleted"}[self._order.deed]
        words = f"{self._done:,} {past}"
        if self._left:
            words += f", {sum(self._left.values()):,} left: " + "; ".join(self._left)
        if state == "stopped":
            words += ", then it was stopped"
        return f"failed: {problem} ({words})" if state == "failed" else words

    def _write(self, fields: Mapping[str, Any]) -> bool:
        """Write *fields*, and that it is alive; tell whether somebody wants it to stop."""
        key = keys.bulk(self._order.key)
        flat = [part for pair in fields.items() for part in pair]
        *_, wish = self._home.exchange(
            (
                ("HSET", key, *flat, "beat", f"{wall():.3f}"),
                ("EXPIRE", key, _KEEP),
                ("HGET", key, "stop"),
            )
        )
        return wish is not None
