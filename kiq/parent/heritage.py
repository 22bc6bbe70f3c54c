"""What a parent leaves to itself when it begins anew, with new code: its children, how it reaches them.

The process stays the same (``exec``), so they stay its children, and who started it sees no change. All
that is written down are numbers and descriptors.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from ..clock import steady
from ..errors import KiqError
from .giving_back import Dead
from .members import Member, Told

_VARIABLE, _TRIAL = "_KIQ_HERITAGE", "_KIQ_TRIAL"
_LONGEST = 2000  # bytes of an answer
_SIGNALS = {
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGTTIN),
    *(signal.SIGUSR2, signal.SIGCHLD),
}


@dataclass(frozen=True, slots=True)
class Heir:
    """A child, with the descriptors of its page and of its trace."""

    slot: int
    pid: int
    born: float
    told: int
    token: str
    page: int
    trace: int

    @classmethod
    def of(cls, member: Member, token: str, page: int, trace: int) -> Heir:
        """Return what is to be known of *member*."""
        return cls(member.slot, member.pid, member.born, int(member.told), token, page, trace)

    def member(self) -> Member:
        """Return the child as the fleet knows it: one whose place is to be taken."""
        told = Told(self.told)
        return Member(self.slot, self.pid, self.born, told=told, told_at=steady() if told else 0.0)


@dataclass(frozen=True, slots=True)
class Heritage:
    """All of it. *dead* are those whose jobs are to go back.

    *doors* listen at the *address* of health; *variables* are systemd's; *past* is a file with the numbers
    of children that have ended; that and *record* and *pid_file* are -1 where there are none. *patience*:
    seconds that the heirs have to end, if they must.
    """

    lifeline: tuple[int, int]
    heirs: list[Heir] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    quiet: bool = False
    doors: list[int] = field(default_factory=list)
    address: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    past: int = -1
    record: int = -1
    pid_file: int = -1
    patience: float = 25.0

    def descriptors(self) -> Iterable[int]:
        """Return what has to stay open."""
        of_heirs = (each for heir in self.heirs for each in (heir.page, heir.trace))
        files = (one for one in (self.past, self.record, self.pid_file) if one >= 0)
        return [*self.lifeline, *self.doors, *files, *of_heirs]


def keep(sums: dict[str, list[float]], file: int) -> int:
    """Write *sums* into *file*, or a new one; return its descriptor, -1 where memory has none."""
    if file < 0 and not hasattr(os, "memfd_create"):
        return -1
    file = os.memfd_create("kiq-past") if file < 0 else file
    os.ftruncate(file, 0)
    os.pwrite(file, json.dumps(sums).encode(), 0)
    return file


def kept(file: int) -> dict[str, list[float]]:
    """Return what :func:`keep` has written into *file*, and close it."""
    if file < 0:
        return {}
    text = os.pread(file, os.fstat(file).st_size, 0)
    os.close(file)
    sums: dict[str, list[float]] = json.loads(text)
    return sums


def may_be_left(heritage: Heritage) -> bool:
    """Tell whether it can be handed on here: memory that has a descriptor is Linux's."""
    return all(each >= 0 for each in heritage.descriptors())


@contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait, also for what this process is next, until that calls :func:`accept`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_anew(heritage: Heritage) -> None:
    """Become a new parent, by the command by which this one was started. Returns only by OSError."""
    for descriptor in heritage.descriptors():
        os.set_inheritable(descriptor, True)
    try:
        written = {_VARIABLE: json.dumps(asdict(heritage))}
        os.execve(*_command(), {**os.environ, **heritage.variables, **written})
    finally:
        for descriptor in heritage.descriptors():
            os.set_inheritable(descriptor, False)


def received() -> Heritage | None:
    """Return what the parent left that this process was before; None where it was none."""
    written = os.environ.pop(_VARIABLE, "")
    if not written:
        return None
    found: dict[str, Any] = json.loads(written)
    heritage = Heritage(
        lifeline=(found["lifeline"][0], found["lifeline"][1]),
        heirs=[Heir(**heir) for heir in found["heirs"]],
        dead=[Dead(**dead) for dead in found["dead"]],
        quiet=found["quiet"],
        doors=found.get("doors", []),
        address=found.get("address", ""),
        variables=found.get("variables", {}),
        past=found.get("past", -1),
        record=found.get("record", -1),
        pid_file=found.get("pid_file", -1),
        patience=found.get("patience", 25.0),
    )
    for descriptor in heritage.descriptors():
        os.set_inheritable(descriptor, False)
    return heritage


def accept() -> None:
    """Let signals come again, after their handlers are there."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def try_out(answer: int) -> int:
    """Start a process that boots the application as it is now, and ends with 0 if it can; return its pid.

    Why it can't, it writes to *answer*, a descriptor. Raises OSError.
    """
    path, arguments = _command()
    os.set_inheritable(answer, True)
    try:
        return os.posix_spawn(
            path, arguments, {**os.environ, _TRIAL: f"answer {answer}"}, setpgroup=0
        )
    finally:
        os.set_inheritable(answer, False)


def is_trial() -> bool:
    """Tell whether this process is such a one."""
    return _TRIAL in os.environ


def answer(error: BaseException) -> None:
    """Tell the parent why the application can't be booted: this is its trial."""
    text = str(error) if isinstance(error, KiqError) else f"{type(error).__name__}: {error}"
    word, _, descriptor = os.environ[_TRIAL].partition(" ")
    if word == "answer":  # an older kiq takes none
        with suppress(OSError, ValueError):
            os.pwrite(int(descriptor), text.encode(errors="replace")[:_LONGEST], 0)


def present() -> bool:
    """Tell whether this process is to be a parent whatever its settings say: it was one, or tries to be."""
    return _VARIABLE in os.environ or is_trial()


def _command() -> tuple[str, list[str]]:
    return sys.executable, [sys.executable, *sys.orig_argv[1:]]
