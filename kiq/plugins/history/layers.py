"""The layers around runs of which something is kept: their times, and what they log."""

from __future__ import annotations

from typing import Any

from ...clock import steady, wall
from ...middleware import Next, ServerContext
from .capture import Captured, captured, listen
from .runs import Run, Runs

_MILLISECONDS = 100_000_000_000  # a time stamp above this counts them, below it seconds


class Timed:
    """Notes when a run began, and what it took."""

    payload_field = "history"

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job."""
        return _noted(self._runs, context, call_next) if context.in_worker else call_next(context)


class Logged:
    """Captures what a run logs, beside its times."""

    payload_field = "capture_log"

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, and keep its lines."""
        lines = context.payload["capture_log"]
        if not context.in_worker or type(lines) is not int or lines <= 0:
            return call_next(context)
        listen()
        mine = Captured(lines)
        token = captured.set(mine)
        try:
            return _noted(self._runs, context, call_next, mine)
        finally:
            captured.reset(token)


def _noted(
    runs: Runs,
    context: ServerContext,
    call_next: Next[ServerContext],
    mine: Captured | None = None,
) -> Any:
    began, at = steady(), wall()
    try:
        return call_next(context)
    finally:
        log = mine.text() if mine is not None else None
        run = Run(at, _waited(context.payload, at), steady() - began, log)
        if mine is not None or not _captures(context.payload):
            runs.add(context.jid, run)


def _captures(payload: dict[str, Any]) -> bool:
    """Tell whether the other layer notes this run."""
    lines = payload.get("capture_log")
    return type(lines) is int and lines > 0


def _waited(payload: dict[str, Any], now: float) -> float | None:
    pushed = payload.get("enqueued_at")
    if isinstance(pushed, bool) or not isinstance(pushed, int | float) or not pushed > 0:
        return None
    return max(0.0, now - (pushed / 1000 if pushed > _MILLISECONDS else pushed))
