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

import kiq

_journal = os.open(os.environ["CHAOS_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def note(word: str, jid: str) -> None:
    """Append a line to the journal."""
    os.write(_journal, f"{word} {jid} {os.getpid()}\n".encode())


class Quick(kiq.Job):
    """Does nothing."""

    def perform(self) -> None:
        note("S", self.jid)
        note("X", self.jid)


class Takes(kiq.Job):
    """Takes some time."""

    def perform(self, seconds: float) -> None:
        note("S", self.jid)
        time.sleep(seconds)
        note("X", self.jid)


class FailsOnce(kiq.Job):
    """Fails at the first attempt, and is due again almost at once."""

    def perform(self) -> None:
        note("S", self.jid)
        if self.attempt == 1:
            note("F", self.jid)
            raise kiq.Retry(0.05)
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


class Oddity(BaseException):
    """What nobody catches by accident."""


class Unprintable(Exception):
    """Asks the program to end when it is turned into text."""

    def __str__(self) -> str:
        raise SystemExit(5)


class Misbehaves(kiq.Job, retry=1):
    """Does at its first attempt what *how* says, and nothing at the second."""

    def retry_in(self, count: int, error: BaseException, payload: object) -> float:
        return 0.05

    def perform(self, how: str) -> None:
        note("S", self.jid)
        if self.attempt == 1:
            note("F", self.jid)
            _misbehave(how)
        note("X", self.jid)


def _misbehave(how: str) -> None:
    if how == "recursion":
        _misbehave(how)
    if how == "memory":
        bytearray(1 << 62)
    if how == "exit":
        sys.exit(3)
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "generator":
        raise GeneratorExit
    if how == "oddity":
        raise Oddity("odd")
    if how == "unprintable":
        raise Unprintable
    if how == "shutdown":
        raise kiq.Shutdown


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
