"""Reads what processes show of themselves: other programs write there too, so nothing may raise."""

from __future__ import annotations

import json
import math
from typing import Any


def mapping(raw: bytes | None) -> dict[str, Any]:
    """Return the JSON object in *raw*; {} for anything else."""
    try:
        found = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text(value: Any) -> str:
    """Return *value* if it is text, a number as text, else ""."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def texts(value: Any) -> list[str]:
    """Return those members of a list that are text."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def number(value: Any) -> float:
    """Return *value*, or the number that it says; 0 for none."""
    try:
        found = float(value) if not isinstance(value, bool) and value is not None else 0.0
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def whole(value: Any) -> int:
    """Return *value* as a whole number; 0 for none."""
    return int(number(value))
