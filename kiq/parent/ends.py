"""How a child ended, in words, and whether that was a fault."""

from __future__ import annotations

import signal

from . import linux
from .members import Member, Phase


class Ends:
    """Threads: the parent's one."""

    def __init__(self) -> None:
        self._ooms = linux.oom_kills()

    def words(self, member: Member, code: int) -> str:
        """Return how *member* ended, by its exit code, or minus the signal."""
        memory = f"; it took {member.memory / (1 << 20):.0f} MB" if member.memory else ""
        text = how(code) + (memory if code < 0 else "")
        ooms, self._ooms = self._ooms, linux.oom_kills()
        if code == -signal.SIGKILL and self._ooms > ooms:
            text += f"; the kernel has killed for want of memory (oom_kill went to {self._ooms})"
        return text


def how(code: int) -> str:
    """Return what *code* means: an exit code, or minus a signal."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"killed by signal {-code} ({name})"


def never_began(member: Member, code: int) -> bool:
    """Tell whether it was told to stop before it could hear that: it has taken nothing."""
    return code == -signal.SIGTERM and member.phase < Phase.READY
