"""Priorities: which band of its queue a job goes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import keys

#: Field of a payload.
FIELD = "priority"
NAMES = ("high", "normal", "low")
_MOST = 2**31


def checked(value: Any) -> str | int | None:
    """Return *value*, a priority: a name, a whole number, or None for the usual one; raises ValueError."""
    if value is None or (isinstance(value, str) and value in NAMES):
        return value
    if type(value) is int and -_MOST <= value < _MOST:
        return value
    raise ValueError(
        f"must be 'high', 'normal', 'low', or a whole number (below 0: high, above: low), not {value!r}"
    )


def band_of(priority: Any) -> str:
    """Return "high", "normal" or "low": names are those, and the lower a number the sooner.

    What is neither, in a payload that another program wrote, is normal.
    """
    if isinstance(priority, str):
        return priority if priority in NAMES else "normal"
    if isinstance(priority, int | float) and not isinstance(priority, bool):
        return "high" if priority < 0 else "low" if priority > 0 else "normal"
    return "normal"


def list_of(payload: Mapping[str, Any]) -> str:
    """Return the name of the list that *payload* goes to: of its queue, or of a band of that."""
    which = band_of(payload.get(FIELD))
    queue: str = payload["queue"]
    return queue if which == "normal" else keys.band(queue, which)
