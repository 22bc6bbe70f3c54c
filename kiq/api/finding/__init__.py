"""Where a job is: found by its jid, or looked for by what it is like."""

from __future__ import annotations

from .find import find
from .found import Found, Where
from .search import Slice, search

__all__ = ["Found", "Slice", "Where", "find", "search"]
