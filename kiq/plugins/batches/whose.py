"""Which batch a running job belongs to."""

from __future__ import annotations

from typing import Any

from ...context import running
from . import callbacks
from .batch import Batch
from .leaving import FIELD


def current_batch() -> Batch | None:
    """Return the batch of the job that runs here, or whose callback it is; None for none."""
    job = running.get()
    return None if job is None else batch_of(job.payload)


def batch_of(payload: Any) -> Batch | None:
    """Return the batch of the job in *payload*, or whose callback that is; None for none."""
    said = payload.get(callbacks.FIELD)
    bid = said.get("bid") if isinstance(said, dict) else payload.get(FIELD)
    return Batch.find(bid) if isinstance(bid, str) and bid else None
