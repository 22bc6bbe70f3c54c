"""Batches: jobs that belong together, and what is done when they have ended. See docs/batches.md."""

from __future__ import annotations

from .batch import Batch, batch_of, current_batch
from .plugin import Batches, attach
from .reader import BatchSet, BatchStatus

__all__ = [
    "Batch",
    "BatchSet",
    "BatchStatus",
    "Batches",
    "attach",
    "batch_of",
    "current_batch",
]
