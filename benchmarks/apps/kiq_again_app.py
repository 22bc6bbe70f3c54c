"""A job that keeps a worker busy: it pushes itself again."""

from __future__ import annotations

import kiq


class Again(kiq.Job, name="Again", queue="busy", retry=False):
    """Runs without end."""

    def perform(self, number: int) -> None:
        """Push the next one."""
        Again.perform_async(number + 1)
