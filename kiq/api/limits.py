"""How much the dead set keeps, as far as this process knows: whatever kills a job trims it."""

from __future__ import annotations

from typing import Any

from ..client import settings_in_use
from ..config import Config
from ..store.flight import DeadLimits


def dead_limits(
    client: Any = None, dead_max_jobs: int | None = None, dead_timeout: float | None = None
) -> DeadLimits:
    """Return the limits as given; else those of ``kiq.configure(file)``, or of the worker around us.

    Where *client* is another Redis than the configured one, the defaults count.
    """
    known = settings_in_use() if client is None else Config()
    if dead_max_jobs is None:
        dead_max_jobs = known.dead_max_jobs
    if dead_timeout is None:
        dead_timeout = known.dead_timeout
    return DeadLimits(int(dead_max_jobs), float(dead_timeout))
