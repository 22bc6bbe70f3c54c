"""Saying how far a job has come: ``self.progress(30, total=100)``, or ``kiq.progress`` in a function."""

from __future__ import annotations

import logging
import math
from typing import Any

from .context import current_job
from .middleware import ServerContext

logger = logging.getLogger("kiq.job")

#: What a layer encloses in a run that keeps its progress: ``report(done, total, note)``.
REPORT = "report"
_MOST_NAMED = 100
_named: set[str] = set()  # classes whose progress nobody keeps: each is named once


def progress(done: float, total: float | None = None, note: str | None = None) -> None:
    """Say how far the job that runs here has come: *done* of *total*, in any unit, and what it does.

    Kept where the job has a ``result_ttl``, for ``kiq.result(jid).progress``; written a few times a
    second at most, on another thread, and the last with the end: call it as often as you like. *total*
    and *note* stay as they were where they are left out. No round trip. Raises RuntimeError outside of a
    job, TypeError or ValueError for what is no finite number.
    """
    context = current_job()
    if context is None:
        raise RuntimeError("kiq.progress() is for a job that runs here: none does")
    report(context, done, total, note)


def report(context: ServerContext, done: float, total: float | None, note: str | None) -> None:
    """Do as :func:`progress` does, for the job of *context*."""
    done = _finite(done)
    total = None if total is None else _finite(total)
    if note is not None and not isinstance(note, str):
        raise TypeError(f"the note of a progress is text, not {note!r:.100}")
    known: Any = (context.enclosed or {}).get(REPORT)
    if known is not None:
        known(done, total, note)
    elif context.in_worker:
        _say_once(str(context.payload.get("class")))


def _finite(number: float) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"progress takes numbers, not {number!r:.100}")
    if not math.isfinite(number):
        raise ValueError(f"progress takes numbers that are finite, not {number}")
    return number


def _say_once(name: str) -> None:
    if name not in _named and len(_named) < _MOST_NAMED:
        _named.add(name)
        logger.warning(
            "%.200s tells its progress, and nobody keeps it: give the class result_ttl=, the seconds "
            "for which it can be read after the end",
            name,
        )
