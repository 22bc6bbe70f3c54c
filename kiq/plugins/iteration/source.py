"""What ``build`` returned: its pairs, and its end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger("kiq.iteration")


def pairs(source: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs that *source* gives; raises TypeError for what is none."""
    if not isinstance(source, Iterable):
        raise TypeError(f"build must return pairs of an item and its cursor, not {source!r:.100}")
    for pair in source:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"build must give pairs (item, cursor), not {pair!r:.100}")
        yield pair


@contextmanager
def closed_at_the_end(source: Any) -> Iterator[None]:
    """Close generators, and so the files and queries in them, as soon as the run ends."""
    try:
        yield
    finally:
        close = getattr(source, "close", None)
        if callable(close):
            try:
                close()
            except Exception:
                # What was done is to be saved all the same.
                logger.exception("closing what build returned failed")
