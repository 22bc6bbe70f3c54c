"""Which jobs have a thread to themselves while they run."""

from __future__ import annotations

import inspect
from typing import Any


def has_its_thread(job_class: Any) -> bool:
    """Return whether *job_class* runs on a thread, and not beside others on an event loop."""
    return not inspect.iscoroutinefunction(getattr(job_class, "perform", job_class))
