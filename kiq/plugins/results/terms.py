"""What a payload says of its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIELD = "result_ttl"
_LONGEST = 1_000_000_000  # seconds; other programs may write anything
_SHORTEST_LIFE = 86_400.0  # seconds that the progress of a job is kept which has not ended


def ttl_of(payload: Mapping[str, Any]) -> float | None:
    """Return for how many seconds the result of *payload* is kept; None where there is none."""
    said, jid = payload.get(FIELD), payload.get("jid")
    known = isinstance(said, int | float) and not isinstance(said, bool) and 0 < said <= _LONGEST
    return float(said) if said is not None and known and isinstance(jid, str) and jid else None


def attempt_of(payload: Mapping[str, Any]) -> int:
    """Return which attempt *payload* is at: 1 for the first."""
    count = payload.get("retry_count")
    return count + 2 if isinstance(count, int) else 1


def milliseconds(seconds: float) -> int:
    """Return *seconds* as Redis takes a time to live: 1 at least."""
    return max(1, round(seconds * 1000))


def life_of_progress(ttl: float, until_due: float = 0.0) -> int:
    """Return the milliseconds for which it is kept how far a job has come that runs again so much later."""
    return milliseconds(max(ttl, _SHORTEST_LIFE) + max(0.0, until_due))
