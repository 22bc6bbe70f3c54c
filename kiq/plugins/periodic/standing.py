"""Runs that stand in the way of the next: how often, and whether they are there at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ...clock import steady
from ...store.scripts import Command
from ..declared.periodic_entry import Definition
from .pieces import free
from .seeking import is_somewhere

logger = logging.getLogger("kiq.periodic")

_BETWEEN = 5.0  # seconds between two looks for a run
_MANY = 3  # ticks in a row that are skipped for one run, until that is said


class Standing:
    """What one ticker knows of them. Threads: its ticker's."""

    def __init__(self, call: Callable[[Command], Any]) -> None:
        self._call = call
        self._looked: dict[
            str, tuple[str, float, bool]
        ] = {}  # name -> run, when, whether it was there
        self._skipped: dict[str, tuple[str, int]] = {}

    def over(self, name: str) -> None:
        """Note that nothing stands in the way of *name*."""
        self._looked.pop(name, None)
        self._skipped.pop(name, None)

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

    def is_gone(self, entry: Definition, run: str) -> bool:
        """Tell whether *run* ("jid when queue") is nowhere, at two looks apart; then it is let go of."""
        before, at, was_there = self._looked.get(entry.name, ("", 0.0, True))
        if before == run and steady() - at < _BETWEEN:
            return False
        jid, _, queue = run.partition(" ")
        queues = {queue.partition(" ")[2], entry.payload.get("retry_queue") or ""} - {""}
        there = is_somewhere(self._call, jid, queues)
        self._looked[entry.name] = (run, steady(), there)
        if there or was_there or before != run:
            return False
        return bool(self._call(free(entry.name, run.encode())))
