"""Profiling: records the one run of a job that was pushed with ``set(profile="token")``.

The plugin, which records, is in :mod:`kiq.plugins.profiling.plugin`; here is what reads.
"""

from __future__ import annotations

from .profiles import Profile, ProfileSet

__all__ = ["Profile", "ProfileSet"]
