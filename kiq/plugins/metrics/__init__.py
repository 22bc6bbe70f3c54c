"""Metrics: how many jobs of each class ran, failed, how long they ran, how long they had waited."""

from __future__ import annotations

from .plugin import Metrics

__all__ = ["Metrics"]
