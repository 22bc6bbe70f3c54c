"""How many processors this process may use: those that it may run on, within the quota of its container."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def cores(cgroup: Path = _CGROUP) -> int:
    """Return how many processors may be used, at least one; a quota of one and a half counts as two."""
    quota = _quota(cgroup)
    return max(1, min(len(allowed()), math.ceil(quota) if quota else os.cpu_count() or 1))


def allowed() -> list[int]:
    """Return the numbers of the processors on which this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _quota(cgroup: Path) -> float:
    """Return how many processors' time the container has; 0 where nothing limits it."""
    try:
        most, period = (cgroup / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        return _quota_of_old(cgroup)
    return 0.0 if most == "max" else int(most) / int(period)


def _quota_of_old(cgroup: Path) -> float:
    try:
        most = int((cgroup / "cpu" / "cpu.cfs_quota_us").read_text("ascii"))
        period = int((cgroup / "cpu" / "cpu.cfs_period_us").read_text("ascii"))
    except (OSError, ValueError):
        return 0.0
    return most / period if most > 0 and period > 0 else 0.0
