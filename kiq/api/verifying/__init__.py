"""Compares what is in Redis with what must be, and mends what can be mended without losing anything."""

from __future__ import annotations

from .finding import Finding, Report
from .verify import verify

__all__ = ["Finding", "Report", "verify"]
