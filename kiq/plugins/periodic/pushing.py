"""Pushing the job of a tick: through client middleware, with the mark that the tick was taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...client import Client
from ...plugin import Host
from ...process import WorkerProcess
from ...pushing import prepared
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
        guard = tick_guard(self._arguments, self._declined)
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
    ) -> Refused | None:
        """Push the job of *tick*, *later* than that by some seconds; return why not, or None.

        One round trip. Raises what middleware raises, and StoreError: what it says may have been done, the
        next look shows, since the mark is of the same step.
        """
        payload, spec = prepared({**entry.payload, NAME: entry.name, TICK: tick})
        if later:
            payload["at"] = tick + later
        in_the_way = "1" if entry.overlap in ("skip", "queue") else "0"
        next_tick = "" if following is None else following
        self._told = (entry.name, tick, text, next_tick, in_the_way)
        self._why = None
        jid = self.client.push(payload, spec.cls if spec else None)
        if self._why is not None:
            what, _, detail = str(self._why).partition(" ")
            return Refused(what, detail or "-")
        if jid == payload["jid"]:
            return None
        return Refused("vetoed") if jid is None else Refused("declined", str(jid))

    def _arguments(self, payload: dict[str, Any]) -> Sequence[Any]:
        name, tick, text, following, in_the_way = self._told
        jid, queue = payload["jid"], payload["queue"]
        return (name, tick, text, following, jid, queue, in_the_way, KEPT)

    def _declined(self, payload: dict[str, Any], why: str) -> str | None:  # noqa: ARG002 (a guard's)
        self._why = why
        return None
