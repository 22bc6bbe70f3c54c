"""Trends: how many jobs come to each queue and leave it, and whether it grows.

The plugin, which counts, is in :mod:`kiq.plugins.trends.plugin`; here is what reads.
"""

from __future__ import annotations

from .numbers import Direction, Moment, Trend
from .reader import Trends

__all__ = ["Direction", "Moment", "Trend", "Trends"]
