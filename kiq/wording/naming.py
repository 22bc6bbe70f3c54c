"""Names that are nowhere: what may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .text import visible


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean default?`` where something that is known is called nearly so, else ""."""
    names = list(dict.fromkeys(known))
    near = [each for each in names if each.rpartition(".")[2] == name]
    near = near or difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {' or '.join(map(visible, near[:3]))}?" if near else ""
