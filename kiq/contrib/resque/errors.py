"""What goes wrong with jobs in the manner of Resque, and how a job asks not to be performed."""

from __future__ import annotations

from ...errors import ConfigError, KiqError


class NoQueueError(ConfigError):
    """A class has no ``queue``, so nobody knows where its jobs are to go."""


class NoClassError(ConfigError):
    """What was to be enqueued is no class of jobs."""


class DontPerform(KiqError):
    """Raised in a ``before_perform`` hook: the job is left out, which is no failure."""
