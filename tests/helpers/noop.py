"""The job that does nothing: what kiq itself costs. Tests of costs run it, here and in workers."""

from __future__ import annotations

import kiq


class Noop(kiq.Job):
    """Does nothing."""

    def perform(self, number: int) -> None:
        """Return at once."""
