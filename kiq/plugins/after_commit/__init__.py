"""Transaction-aware pushing: what is pushed inside a transaction reaches Redis when it is committed."""

from __future__ import annotations

from .choosing import after_commit
from .client import AfterCommit
from .deferred import Deferred, Transaction, push_all, together
from .whereabouts import leave_blocks

__all__ = [
    "AfterCommit",
    "Deferred",
    "Transaction",
    "after_commit",
    "leave_blocks",
    "push_all",
    "together",
]
