"""Values that JSON has, for commands."""

from __future__ import annotations

from ..wording import plain

__all__ = ["plain"]
