"""What belongs to one worker: what its jobs are told, and what features keep for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, TypeVar

from .payload import UNCANCELLED

P = TypeVar("P")


class WorkerState:
    """One worker's own: of several in a process, none disturbs another. Jobs find it in their context.

    Threads: any.
    """

    __slots__ = ("_parts", "cancelled", "info", "stopping")

    def __init__(self) -> None:
        #: Set when it takes no more jobs: what runs should come to an end, or to a place to go on.
        self.stopping = threading.Event()
        #: The jids that were cancelled, and the score of the mark that says so. Filled by the plugin
        #: that cancels; empty as a rule, so that a look costs next to nothing.
        self.cancelled: dict[str, float] = {}
        #: What it shows of its features, in its entry among the processes.
        self.info: dict[str, Any] = {}
        self._parts: dict[type, Any] = {}

    def was_cancelled(self, payload: Mapping[str, Any]) -> bool:
        """Tell whether the job of *payload* was cancelled; its jid may be anything that was pushed."""
        marks = self.cancelled
        if not marks:
            return False
        found = [marks.get(name, 0.0) for name in cancelled_as(payload)]
        but = payload.get(UNCANCELLED)
        return max(found) > (but if isinstance(but, int | float) else 0.0)

    def ends(self, payload: Mapping[str, Any]) -> bool:
        """Tell whether the job of *payload* is to end soon: the worker stops, or it was cancelled."""
        return self.stopping.is_set() or self.was_cancelled(payload)

    def keep(self, part: P) -> P:
        """Keep *part* of a feature, in the place of one of its class; return it."""
        self._parts[type(part)] = part
        return part

    def of(self, kind: type[P]) -> P | None:
        """Return what a feature keeps of the class *kind*, or None."""
        part: P | None = self._parts.get(kind)
        return part


def cancelled_as(payload: Mapping[str, Any]) -> list[str]:
    """Return the ids by which the job of *payload* may be cancelled: its own, and of what it belongs to."""
    names = [str(payload.get("jid", ""))]
    batch = payload.get("bid")
    while isinstance(batch, str) and batch:
        names.append(batch)
        batch = batch.rpartition(".")[0]
    return names


#: The workers that run in this process: one, as a rule.
running: tuple[WorkerState, ...] = ()
_lock = threading.Lock()


def begin(state: WorkerState) -> None:
    """Count the worker of *state* among those that run here."""
    _change(add=(state,))


def end(state: WorkerState) -> None:
    """Count it no more; harmless when repeated."""
    _change(without=state)


def _change(add: tuple[WorkerState, ...] = (), without: WorkerState | None = None) -> None:
    global running
    with _lock:
        running = (*(one for one in running if one is not without and one not in add), *add)


def _forked() -> None:
    global running, _lock
    running, _lock = (), threading.Lock()  # another thread may have held the old one at the fork


os.register_at_fork(after_in_child=_forked)
