"""The clocks that kiq reads: wall time for people, a clock that counts suspend for leases."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

#: Seconds since the epoch. What Redis and people see.
wall = time.time

_SUSPEND_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


#: Returns seconds on a clock that never goes back, and that goes on while the machine sleeps:
#: ``CLOCK_BOOTTIME`` on Linux; ``CLOCK_MONOTONIC`` on macOS, which counts sleep there. A lease that ran
#: out while a laptop was shut must be seen as such. Not a function of ours: every job asks for it.
steady: Callable[[], float] = partial(time.clock_gettime, _SUSPEND_CLOCK)


def milliseconds() -> int:
    """Return the wall time as whole milliseconds, the unit of a payload's time stamps."""
    return time.time_ns() // 1_000_000
