"""Why a job does not run: one answer for commands, pages and logs."""

from __future__ import annotations

from .why import Why, why

__all__ = ["Why", "why"]
