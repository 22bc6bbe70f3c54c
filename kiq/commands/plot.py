"""A small plot of what was measured again and again: columns of blocks, or of ASCII. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS, _ASCII = " ▁▂▃▄▅▆▇█", " .:#"


def drawable(encoding: str | None) -> bool:
    """Tell whether blocks can be written in *encoding*."""
    try:
        _BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def plot(
    values: Sequence[float | None], width: int, height: int, top: float, *, blocks: bool
) -> list[str]:
    """Return *height* lines of at most *width* characters, the upper one first.

    Each of the last *width* values is a column; *top* is a column that is full. None leaves its column
    empty; what is more than 0 is seen, however little it is.
    """
    levels = _BLOCKS if blocks else _ASCII
    steps = len(levels) - 1
    columns = [_steps(value, top, height * steps) for value in values[-width:]]
    return [
        "".join(levels[min(max(filled - row * steps, 0), steps)] for filled in columns)
        for row in reversed(range(height))
    ]


def _steps(value: float | None, top: float, most: int) -> int:
    if not value or value <= 0 or top <= 0:
        return 0
    return max(1, min(most, round(value / top * most)))
