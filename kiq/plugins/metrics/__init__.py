"""Metrics: how many jobs of each class ran, failed, how long they ran, how long they had waited.

The plugin, which measures, is in :mod:`kiq.plugins.metrics.plugin`; here is what reads.
"""

from __future__ import annotations

from .buckets import BOUNDS as BUCKETS
from .deploy import Deploy, mark
from .numbers import JobMetrics
from .reader import Metrics

__all__ = ["BUCKETS", "Deploy", "JobMetrics", "Metrics", "mark"]
