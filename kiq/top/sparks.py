"""Small drawings in characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_STEPS = "▁▂▃▄▅▆▇█"
_BAR = 10


def spark(values: Sequence[float], width: int = 40) -> str:
    """Return the last *width* of *values* as a line of blocks; 0 has a block too, the lowest."""
    shown = values[-width:]
    most = max(shown, default=0) or 1
    return "".join(_STEPS[min(7, int(max(0.0, each) / most * 7.999))] for each in shown)


def bar(share: float, width: int = _BAR) -> str:
    """Return a bar of *share* (0 to 1) of *width* columns."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "█" * full + "░" * (width - full)
