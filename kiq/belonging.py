"""What a running job belongs to: ``self.batch``."""

from __future__ import annotations

import importlib
from typing import Any


class Belonging:
    """The ``kiq.Batch`` of the job, or whose callback it is; None for none, and outside a run."""

    def __get__(self, job: Any, owner: type) -> Any:
        if job is None:
            return self
        context = job._kiq_context
        # By name: the house imports no wing, and who has no batches does without.
        found = importlib.import_module("kiq.plugins.batches").batch_of if context else None
        return found(context.payload) if found else None
