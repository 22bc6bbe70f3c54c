"""Limits in a test: nobody is asked, and the test says which are reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from ..plugins.limits import Limiter, rehearsals
from .modes import mode

_reached: ContextVar[Mapping[str, float] | None] = ContextVar("kiq_testing_limits", default=None)


@contextmanager
def limit_reached(*limits: Limiter | str, retry_after: float = 1.0) -> Iterator[None]:
    """Let *limits* (or their names) be reached in this block: who has one, or enters it, is RateLimited.

    For fake and inline mode, in which all limits have room else. *retry_after* is seconds.
    """
    names = [each if isinstance(each, str) else each.name for each in limits]
    token = _reached.set({**(_reached.get() or {}), **dict.fromkeys(names, retry_after)})
    try:
        yield
    finally:
        _reached.reset(token)


def _rehearsal() -> Mapping[str, float] | None:
    return None if mode() == "disabled" else _reached.get() or {}


rehearsals.append(_rehearsal)
