"""``kiq.testing``: tests of code that pushes jobs, without a server.

Three modes: *fake* (pushes stay in memory), *inline* (pushes run at once), *disabled* (pushes go to
Redis). For the whole process, or for a ``with`` block. See docs/testing.md.
"""

from __future__ import annotations

from .asserting import assert_enqueued, assert_not_enqueued
from .box import PushedJob
from .clock import Clock, freeze, travel
from .errors import EndlessDrain, NoJobs, NotFaking
from .limiting import limit_reached
from .modes import Mode, disabled, fake, inline, mode, scoped
from .performing import server_middleware
from .ticking import run_periodic
from .working import clear, drain, drain_due, jobs, perform_one

__all__ = [
    "Clock",
    "EndlessDrain",
    "Mode",
    "NoJobs",
    "NotFaking",
    "PushedJob",
    "assert_enqueued",
    "assert_not_enqueued",
    "clear",
    "disabled",
    "drain",
    "drain_due",
    "fake",
    "freeze",
    "inline",
    "jobs",
    "limit_reached",
    "mode",
    "perform_one",
    "run_periodic",
    "scoped",
    "server_middleware",
    "travel",
]
