"""Unique jobs: of those that have the same in common only one waits, or runs, at a time.

See docs/unique.md.
"""

from __future__ import annotations

from .locks import Lock, LockSet
from .plugin import UniqueJobs, attach

__all__ = ["Lock", "LockSet", "UniqueJobs", "attach"]
