"""The condition of a process: whether it is live, whether it is ready, and why not. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .http import Answer, said

#: Seconds without a sign of life of a part of kiq's own after which a process counts as stuck. Longer
#: than anything that passes by itself: an exchange with Redis, a heartbeat's replacement.
STUCK = 60.0
#: Seconds since Redis answered last, after which a worker is not ready. A worker asks every five.
UNHEARD = 15.0


class Condition(NamedTuple):
    """*does* is what it does; *stuck* is why it is not live, *idle* why it is not ready, or empty."""

    does: str
    stuck: str = ""
    idle: str = ""


def answer(
    path: str, condition: Condition, metrics: Callable[[], Answer] | None = None
) -> Answer | None:
    """Return what *path* is answered with; None where there is no such path.

    *metrics* answers ``/metrics``, where a plugin does.
    """
    if path == "/live":
        if condition.stuck:
            return said(503, f"not live: {condition.stuck}")
        return said(200, f"live: {condition.does}")
    if path == "/ready":
        why = condition.stuck or condition.idle
        return said(503, f"not ready: {why}") if why else said(200, f"ready: {condition.does}")
    if path == "/metrics":
        return metrics() if metrics is not None else said(404, NO_METRICS)
    return None


NO_METRICS = "no metrics: pip install 'kiq[prometheus]', and write plugins: [prometheus]"
