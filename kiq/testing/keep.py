"""What the jobs of tests came to: ``kiq.result(jid)`` finds it here, without a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..client import codec_in_use
from ..plugins.results import Memory
from .box import PushedJob


def keep_of(waiting: Callable[[], Sequence[PushedJob]]) -> Memory:
    """Return what keeps the results of one scope; *waiting* returns its jobs that have not run."""
    return Memory(codec_in_use, lambda: [(job.payload, job.at) for job in waiting()])
