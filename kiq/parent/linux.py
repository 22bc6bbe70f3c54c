"""What only Linux has: a signal at the parent's death, and orphans that come to us."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PDEATHSIG, _NAME, _CHILD_SUBREAPER = 1, 15, 36


def _prctl(option: int, value: int | bytes) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def end_with(parent: int) -> None:
    """Let the kernel send TERM to this process when *parent*, which forked it, dies."""
    _prctl(_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)  # it died before the call: that would never be told


def name(short: str) -> None:
    """Let ``top`` and ``ps -o comm`` call this process *short*, of which 15 letters count."""
    _prctl(_NAME, short.encode())


def adopt_orphans() -> None:
    """Let this process, rather than the machine's first, inherit what its descendants leave behind."""
    _prctl(_CHILD_SUBREAPER, 1)


def resident_bytes(pid: int) -> int:
    """Return how much memory *pid* has that is in use now; 0 where that can't be read."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def is_stopped(pid: int) -> bool:
    """Tell whether *pid* stands still (SIGSTOP, a debugger); False where that can't be read."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(") ")[2][:1] in "Tt"
    except OSError:
        return False


def oom_kills(events: Path = Path("/sys/fs/cgroup/memory.events")) -> int:
    """Return how many processes here the kernel has killed for want of memory; 0 if unknown."""
    try:
        found = dict(line.split() for line in events.read_text("ascii").splitlines())
        return int(found.get("oom_kill", 0))
    except (OSError, ValueError):
        return 0
