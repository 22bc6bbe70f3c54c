"""Batches: jobs that belong together, and what is done when they have ended. See docs/batches.md."""

from __future__ import annotations

from .batch import Batch
from .blocks import leave_blocks as leave_batches
from .plugin import Batches, attach
from .reader import BatchSet, BatchStatus
from .trial import drops as dropped_with_batch
from .trial import left as left_batch
from .trial import runs as runs_in_batch
from .whose import batch_of, current_batch

__all__ = [
    "Batch",
    "BatchSet",
    "BatchStatus",
    "Batches",
    "attach",
    "batch_of",
    "current_batch",
    "dropped_with_batch",
    "leave_batches",
    "left_batch",
    "runs_in_batch",
]
