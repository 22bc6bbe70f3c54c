"""Pushing the job of a tick: through client middleware, with the mark that the tick was taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...client import Client
from ...errors import DuplicateJob
from ...plugin import Host
from ...process import WorkerProcess
from ...pushing import prepared
from ..cancelling import CANCEL_BELL, MARK_LIFE
from ..declared.periodic_entry import Definition
from .keys import KEPT
from .pieces import NAME, TICK, tick_guard


class Refused(NamedTuple):
    """Why a tick has no job: decided, changed, paused, runs, vetoed, declined; and more about it."""

    what: str
    detail: str = "-"


class TickPusher:
    """Pushes jobs of ticks, by a client of its own. Threads: one at a time."""

    def __init__(self, process: WorkerProcess, host: Host) -> None:
        config = process.config
        guard = tick_guard(self._arguments, self._declined, CANCEL_BELL)
        self.client = Client(
            config.redis,
            codec=config.codec,
            sidekiq=config.sidekiq,
            max_payload=config.max_payload,
            host=host,
            guards=[guard],
        )
        self._told: Sequence[Any] = ()
        self._why: str | None = None

    def push(
        self, entry: Definition, tick: int, text: bytes, following: int | None, later: float
    ) -> Refused | str:
        """Push the job of *tick*, *later* than that by some seconds; return its jid, or why not.

        One round trip. Raises what middleware raises, and StoreError: what it says may have been done, the
        next look shows, since the mark is of the same step.
        """
        payload, spec = prepared({**entry.payload, NAME: entry.name, TICK: tick})
        if later:
            payload["at"] = tick + later
        next_tick = "" if following is None else following
        self._told = (entry.name, tick, text, next_tick, entry.overlap)
        self._why = None
        try:
            jid = self.client.push(payload, spec.cls if spec else None)
        except DuplicateJob as error:  # of a unique job that says so by raising
            return Refused("declined", error.jid or "-")
        if self._why is not None:
            what, _, detail = str(self._why).partition(" ")
            return Refused(what, detail or "-")
        if jid == payload["jid"]:
            return str(jid)
        return Refused("vetoed") if jid is None else Refused("declined", str(jid))

    def _arguments(self, payload: dict[str, Any]) -> Sequence[Any]:
        name, tick, text, following, overlap = self._told
        jid, queue = payload["jid"], payload["queue"]
        return (name, tick, text, following, jid, queue, overlap, KEPT, MARK_LIFE)

    def _declined(self, payload: dict[str, Any], why: str) -> str | None:  # noqa: ARG002 (a guard's)
        self._why = why
        return None
