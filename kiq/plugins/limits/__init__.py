"""Limits: so many at a time, or in a time, in all processes together. See docs/limits.md."""

from __future__ import annotations

from .limited import RateLimited
from .limiter import Limiter, bucket, concurrent, leaky, points, window
from .plugin import Limits, attach

__all__ = [
    "Limiter",
    "Limits",
    "RateLimited",
    "attach",
    "bucket",
    "concurrent",
    "leaky",
    "points",
    "window",
]
