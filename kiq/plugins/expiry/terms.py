"""Until when a job may start: written into its payload when it is pushed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...clock import wall

FIELD = "expires_in"
UNTIL = "expires_at"  # epoch seconds


def stamp(payload: dict[str, Any]) -> None:
    """Write until when the job may start: so many seconds after it is due. Once."""
    span = payload[FIELD]
    if UNTIL in payload or isinstance(span, bool) or not isinstance(span, int | float):
        return
    at = payload.get("at")
    due = max(wall(), at) if isinstance(at, int | float) else wall()
    payload[UNTIL] = due + span


def late_by(payload: Mapping[str, Any]) -> float | None:
    """Return for how many seconds the job has been of no use; None if it may start."""
    until = payload.get(UNTIL)
    if isinstance(until, bool) or not isinstance(until, int | float):
        return None
    late = wall() - until
    return late if late > 0 else None
