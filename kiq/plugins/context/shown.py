"""A carried value as a log line shows it."""

from __future__ import annotations

from typing import Any

_LONGEST = 200  # characters; whoever pushes chooses the value


def shown(value: Any) -> object:
    """Return *value* for a field of a log line: as it is where JSON has it, short in any case."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, dict | list | bytes):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else "a large int"
    text = str(value)
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return " ".join(cut.splitlines())
