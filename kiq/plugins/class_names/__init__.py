"""Which job classes each process knows: what ``kiq why`` compares a job's class with."""

from __future__ import annotations

from .plugin import ClassNames

__all__ = ["ClassNames"]
