"""Runs that stand in the way of the next: how often, and whether they are there at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...clock import steady
from ...store.scripts import Command
from ..declared.periodic_entry import Definition
from .pieces import free
from .seeking import Search, searching

logger = logging.getLogger("kiq.periodic")

_BETWEEN = 5.0  # seconds between two looks for a run
_MANY = 3  # ticks in a row that are skipped for one run, until that is said


@dataclass(slots=True)
class _Looked:
    """What is known of the run ("jid when queue") that stands in the way of an entry."""

    run: str
    search: Search | None
    missed: int = 0  # looks in a row that have not found it
    again_at: float = 0.0  # when to look again (steady clock)


class Standing:
    """What one ticker knows of them; it looks a piece at a time, so that no tick waits for a long queue.

    Threads: its ticker's.
    """

    def __init__(self, call: Callable[[Command], Any]) -> None:
        self._call = call
        self._looked: dict[str, _Looked] = {}
        self._skipped: dict[str, tuple[str, int]] = {}

    def over(self, name: str) -> None:
        """Note that nothing stands in the way of *name*."""
        self._looked.pop(name, None)
        self._skipped.pop(name, None)

    def forget(self) -> None:
        """Begin every look anew: what was half seen is old."""
        self._looked.clear()

    def skipped(self, name: str, jid: str) -> None:
        """Note that a tick of *name* is skipped for the run *jid*, and say so if that goes on."""
        before, times = self._skipped.get(name, (jid, 0))
        times = times + 1 if before == jid else 1
        self._skipped[name] = (jid, times)
        if times == _MANY:
            logger.warning(
                "periodic job %s: %d ticks in a row were skipped, as job %s is not over",
                name,
                times,
                jid,
            )

    def look_for(self, entry: Definition, run: str) -> None:
        """Look for *run* from now on, unless that is done, or was done just now."""
        looked = self._looked.get(entry.name)
        if looked is None or looked.run != run:
            looked = self._looked[entry.name] = _Looked(run, None)
        if looked.search is None and steady() >= looked.again_at:
            jid, _, queue = run.partition(" ")
            queues = {queue.partition(" ")[2], entry.payload.get("retry_queue") or ""} - {""}
            looked.search = searching(self._call, jid, queues)

    def go_on(self, seconds: float) -> list[str]:
        """Look for so long; return the names of entries whose run was nowhere twice, and is let go of."""
        until, gone = steady() + seconds, list[str]()
        for name, looked in list(self._looked.items()):
            while looked.search is not None and steady() < until:
                try:
                    next(looked.search)
                except StopIteration as end:
                    looked.search, looked.again_at = None, steady() + _BETWEEN
                    looked.missed = 0 if end.value else looked.missed + 1
            if looked.missed > 1:
                del self._looked[name]
                if self._call(free(name, looked.run.encode())):
                    logger.warning("periodic job %s: its last run is gone without a word", name)
                    gone.append(name)
        return gone

    @property
    def looking(self) -> bool:
        """Whether a look is not at its end."""
        return any(looked.search is not None for looked in self._looked.values())
