"""What periodic jobs say of one: whose it is."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Asked, Explainer, Known
from ...wording import visible
from .pieces import NAME, TICK


def explainer() -> Explainer:
    """Return what ``kiq find`` asks."""
    return Explainer("periodic", knows=_knows)


def _knows(asked: Asked) -> Iterator[Known]:
    name, tick = asked.payload.get(NAME), asked.payload.get(TICK)
    if isinstance(name, str):
        at = float(tick) if isinstance(tick, int | float) else None
        yield Known(f"the periodic job {visible(name)} was due", at)
