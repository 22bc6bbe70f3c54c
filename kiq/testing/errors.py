"""What kiq.testing itself raises; what a job raises comes out as it is."""

from __future__ import annotations

from ..errors import KiqError


class NotFaking(KiqError):
    """Jobs were asked for in a mode that keeps none."""


class NoJobs(KiqError, LookupError):
    """``perform_one`` found no job to perform."""


class EndlessDrain(KiqError):
    """``drain`` ran as many jobs as its *limit* allows, and there are more."""
