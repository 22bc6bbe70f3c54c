"""Profiling: records the one run of a job that was pushed with ``set(profile="token")``."""

from __future__ import annotations

from .plugin import Profiling

__all__ = ["Profiling"]
