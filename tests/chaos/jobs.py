"""Jobs of the chaos tests. Each notes its start and its end in a file that no fault can reach.

Nothing but a worker imports this. The journal is opened once, for appending: a line of this size is
written whole, whichever process or thread writes it.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import kiq
from kiq.cli.crash_points import crash_point
from tests.chaos import forking
from tests.chaos.misdeeds import MISDEEDS

_journal = os.open(os.environ["CHAOS_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def note(word: str, jid: str) -> None:
    """Append a line to the journal."""
    os.write(_journal, f"{word} {jid} {os.getpid()}\n".encode())


@kiq.host.around_perform
def _points(context: kiq.ServerContext, call_next: Callable[[kiq.ServerContext], Any]) -> Any:
    """Pass the crash points before and after a job."""
    crash_point("processor-before-job")
    result = call_next(context)
    crash_point("processor-after-job")
    return result


class Quick(kiq.Job):
    """Does nothing."""

    def perform(self) -> None:
        note("S", self.jid)
        crash_point("processor-amid-job")
        note("X", self.jid)


class Blinks(kiq.Job):
    """Does nothing, and takes as little time as can be noted."""

    def perform(self) -> None:
        jid, pid = self.jid, os.getpid()
        os.write(_journal, f"S {jid} {pid}\nX {jid} {pid}\n".encode())


class Holds(kiq.Job):
    """Does nothing with something large."""

    def perform(self, cargo: str) -> None:
        assert cargo
        note("S", self.jid)
        note("X", self.jid)


def before(jid: str) -> bool:
    """Tell whether this was asked for *jid* before, by whatever process."""
    asked = os.path.join(os.path.dirname(os.environ["CHAOS_JOURNAL"]), jid)
    if os.path.exists(asked):
        return True
    os.close(os.open(asked, os.O_CREAT))
    return False


class Takes(kiq.Job):
    """Takes some time; where it runs once more, the time that *again* says."""

    def perform(self, seconds: float, again: float | None = None) -> None:
        note("S", self.jid)
        time.sleep(seconds if again is None or not before(self.jid) else again)
        note("X", self.jid)


class FailsOnce(kiq.Job):
    """Fails at the first attempt, and is due again *after* so many seconds: almost at once."""

    def perform(self, after: float = 0.05) -> None:
        note("S", self.jid)
        if self.attempt == 1:
            note("F", self.jid)
            raise kiq.Retry(after)
        note("X", self.jid)


class Fails(kiq.Job, retry=False, dead=True):
    """Goes to the dead set at once."""

    def perform(self) -> None:
        note("S", self.jid)
        raise kiq.Kill("enough")


class Pill(kiq.Job):
    """Kills its process."""

    def perform(self, after: float = 0.0) -> None:
        note("S", self.jid)
        time.sleep(after)
        os.kill(os.getpid(), signal.SIGKILL)


class Misbehaves(kiq.Job, retry=1):
    """Does at its first attempt what *how* says, and nothing at the second."""

    def retry_in(self, count: int, error: BaseException, payload: object) -> float:
        return 0.05

    def perform(self, how: str) -> None:
        note("S", self.jid)
        if self.attempt == 1:
            note("F", self.jid)
            MISDEEDS[how]()
        note("X", self.jid)


class ForksAndForgets(kiq.Job):
    """Forks; the child leaves the job as *how* says, and so comes back into the worker's code."""

    def perform(self, how: str) -> None:
        note("S", self.jid)
        if os.fork() == 0:
            note("C", self.jid)
            if how == "exit":
                sys.exit(0)
            if how == "raise":
                raise RuntimeError("in the child")
            return
        note("X", self.jid)


class Multiprocesses(kiq.Job):
    """Lets a forked process do something."""

    def perform(self) -> None:
        note("S", self.jid)
        child = multiprocessing.get_context("fork").Process(target=note, args=("C", self.jid))
        child.start()
        child.join(20)
        # None: another job's start() has reaped it (multiprocessing looks after all children of the
        # process), and has not noted how it ended yet. That it ran stands in the journal.
        assert child.exitcode in (0, None)
        note("X", self.jid)


class Forks(kiq.Job):
    """Forks so many times, as *how* says; notes "H" for a child that hangs.

    Ends at once where its process may not fork any more, or start a pool's thread.
    """

    def perform(self, how: str, times: int) -> None:
        note("S", self.jid)
        sys.setswitchinterval(0.00001)  # so that a fork finds other threads amid what they do
        for _ in range(times):
            try:
                child, well = _fork(how)
            except (OSError, RuntimeError, MemoryError):
                break
            if child == 0:
                return
            if not well:
                note("H", self.jid)
                break
        note("X", self.jid)


def _fork(how: str) -> tuple[int | None, bool]:
    """Return the child, 0 in the child itself, None of a pool; and whether it came to its end."""
    if how == "pool":
        return None, forking.pooled(2)
    child = forking.FORKS[how]()
    return child, child == 0 or forking.ends(child)


class Deaf(kiq.Job):
    """Swallows whatever is raised in it, and goes on."""

    def perform(self, seconds: float) -> None:
        note("S", self.jid)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                while time.monotonic() < until:
                    time.sleep(0.01)
            except BaseException:
                note("D", self.jid)
        note("X", self.jid)


class HoldsTheInterpreter(kiq.Job):
    """Keeps the GIL, so that no other thread of the process runs meanwhile."""

    def perform(self, seconds: float) -> None:
        note("S", self.jid)
        ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))
        note("X", self.jid)


class Wrecks(kiq.Job):
    """Ends or harms its process as *how* says when it runs for the first time; innocent ever after."""

    def perform(self, how: str) -> None:
        note("S", self.jid)
        if not before(self.jid):
            MISDEEDS[how]()
        note("X", self.jid)
