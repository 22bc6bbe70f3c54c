"""Limits: so many at a time, or in a time, in all processes together. See docs/limits.md."""

from __future__ import annotations

from .limited import LimitReached, RateLimited
from .limiter import Limiter, bucket, concurrent, leaky, points, window
from .plugin import Limits, attach
from .reader import Holder, LimitSet, LimitState
from .rehearsing import rehearsals, rehearsed
from .terms import limits_of

__all__ = [
    "Holder",
    "LimitReached",
    "LimitSet",
    "LimitState",
    "Limiter",
    "Limits",
    "RateLimited",
    "attach",
    "bucket",
    "concurrent",
    "leaky",
    "limits_of",
    "points",
    "rehearsals",
    "rehearsed",
    "window",
]
