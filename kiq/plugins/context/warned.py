"""What is said once in a process, however many jobs give cause to."""

from __future__ import annotations

import logging

logger = logging.getLogger("kiq.context")

_MOST = 100  # different warnings; whoever pushes chooses the names in them
_said: set[str] = set()


def warn_once(text: str, error: BaseException | None = None) -> None:
    """Log *text* as a warning, unless it has been logged before."""
    if text in _said or len(_said) >= _MOST:
        return
    _said.add(text)
    logger.warning("%s (said once)", text, exc_info=error)


def forget() -> None:
    """Forget what has been said; for tests."""
    _said.clear()
