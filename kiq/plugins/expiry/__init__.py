"""Expiry: a job that could not start in time is dropped. See docs/expiry.md."""

from __future__ import annotations

from .counts import expired_jobs
from .plugin import Expiry, attach
from .terms import late_by

__all__ = ["Expiry", "attach", "expired_jobs", "late_by"]
