"""Where a parent's children are made, told, and taken leave of: the part that talks to the system."""

from __future__ import annotations

import gc
import logging
import os
import random
import signal
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from .. import forking
from ..clock import steady
from ..config import Config
from ..plugin import Host
from . import linux, traces
from .child import Child
from .cores import allowed
from .giving_back import Dead, give_back
from .heritage import Heir, Heritage
from .keeping import keep
from .members import Member, Phase, Told
from .page import Page
from .saying import say
from .settings import ParentSettings
from .traces import Trace

logger = logging.getLogger("kiq.parent")

_JITTER = 0.1  # of max_jobs: children that began together must not all be replaced together

#: Is a worker in this process, up to its end.
Worker = Callable[[Config, Child], int]


@dataclass(slots=True)
class _Made:
    token: str
    page: Page
    trace: Trace


class Ended(NamedTuple):
    """A child that has ended, with its exit code, or minus the signal that ended it."""

    pid: int
    code: int


class Nursery:
    """Forks children, and holds what the parent shares with them. Threads: the parent's one."""

    def __init__(
        self,
        config: Config,
        host: Host,
        worker: Worker,
        ears: tuple[int, int],
        heritage: Heritage | None,
    ) -> None:
        self._config = config
        self._host = host
        self._worker = worker
        self._settings = config.of(ParentSettings)
        self._cpus = allowed() if self._settings.cpu_affinity else []
        self._made: dict[int, _Made] = {}
        self._book, self._counted = Page(), 0  # how many jobs went back: helpers write it
        # What is read from it ends when the last holder of the other end does: that is the parent alone.
        self._lifeline, self._held = heritage.lifeline if heritage is not None else os.pipe()
        self._foreign = (self._held, *ears)
        gc.collect()
        gc.freeze()  # so that children don't copy what they never change

    def adopt(self, heir: Heir) -> Member:
        """Take over a child of the parent that this process was before."""
        made = _Made(heir.token, Page(heir.page), Trace(heir.trace))
        self._made[heir.pid] = made
        member = heir.member()
        member.phase, member.since = Phase(made.page.phase), steady()
        return member

    def leave(self, members: Iterable[Member], **others: Any) -> Heritage:
        """Return what is to be known of all that is here, by what this process is to be next."""
        heirs = [
            Heir.of(member, made.token, made.page.file, made.trace.file)
            for member in members
            if (made := self._made.get(member.pid)) is not None
        ]
        lifeline, patience = (self._lifeline, self._held), self._config.shutdown_timeout
        return Heritage(lifeline=lifeline, heirs=heirs, patience=patience, **others)

    def bear(self, slot: int) -> Member:
        """Fork a child that is a worker. Raises BootError or OSError."""
        made = _Made(uuid.uuid4().hex, Page(), Trace())
        most_jobs = self._most_jobs()
        child = Child(slot, made.token, made.page, made.trace, self._lifeline, most_jobs)
        cpu = self._cpus[(slot - 1) % len(self._cpus)] if self._cpus else None

        def be() -> int:
            child.settle_in(self._foreign, cpu)
            return self._worker(self._config, child)

        born = steady()
        pid = forking.fork(self._host, be, say)
        self._made[pid] = made
        return Member(slot, pid, born, most_jobs)

    def _most_jobs(self) -> int:
        limit = self._settings.max_jobs
        return max(1, round(limit * (1 - random.uniform(0, _JITTER)))) if limit else 0

    def has(self, pid: int) -> bool:
        """Tell whether *pid* is a child that has not been parted with."""
        return pid in self._made

    def page_of(self, pid: int) -> Page:
        """Return the page that a living child shares with the parent."""
        return self._made[pid].page

    def tell(self, member: Member) -> None:
        """Let *member* do what it was told."""
        if member.told is Told.FINISH:
            self.page_of(member.pid).finish = True
            self.send(member.pid, signal.SIGTSTP)
        elif member.told is Told.STOP:
            self.send(member.pid, signal.SIGTERM)
        elif member.told is Told.KILL:
            self.send(member.pid, signal.SIGKILL)

    @staticmethod
    def send(pid: int, number: int) -> None:
        """Send a child a signal. One that has ended keeps its number until :meth:`reap` says so."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def reap(self) -> list[Ended]:
        """Take leave of all children that have ended, and of orphans that came to this process.

        What a killed child's jobs have left in its group is ended first: it must not work on beside the
        next run.
        """
        ended = []
        while (found := self._next_end()) is not None:
            if found.pid not in self._made:
                logger.debug("process %d has ended, which is no child of ours", found.pid)
            ended.append(found)
        return ended

    def _next_end(self) -> Ended | None:
        """Reap one that has ended. Its group goes first, while its number is still its own."""
        try:
            if hasattr(os, "waitid"):  # macOS has it since Python 3.13
                there = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if there is not None and there.si_pid in self._made and not _in_order(there):
                    _end_group(there.si_pid)
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        return Ended(pid, os.waitstatus_to_exitcode(status)) if pid else None

    def part_with(self, pid: int, *, crashed: bool) -> Dead:
        """Forget a child that has ended; return what is to be known to give its jobs back."""
        made = self._made.pop(pid)
        made.page.close()
        made.trace.close()
        return Dead(pid, made.token, crashed)

    def give_back(self, dead: list[Dead]) -> int:
        """Fork who gives back what *dead* held; return its pid. Raises OSError."""
        return self._helper(lambda: give_back(self._config, self._host, dead, self._count))

    def given_back(self) -> int:
        """Return how many jobs went back since this was asked last."""
        before, self._counted = self._counted, self._book.jobs
        return self._counted - before

    def _count(self, jobs: int) -> None:
        self._book.jobs += jobs  # of those who give back there is one at a time

    def keep(self, pid: int) -> int:
        """Fork who renews the leases of *pid* while its page permits; return its pid. Raises OSError."""
        made = self._made[pid]
        return self._helper(lambda: keep(self._config, pid, made.token, made.page))

    def _helper(self, work: Callable[[], int]) -> int:
        def help_() -> int:
            for descriptor in (*self._foreign, self._lifeline):
                os.close(descriptor)
            os.setpgid(0, 0)  # Ctrl-C is not for it
            linux.end_with(parent)
            return work()

        parent = os.getpid()
        return forking.fork(
            Host(), help_, say
        )  # without handlers: it runs nothing of the application's

    def ask_where(self, pid: int) -> None:
        """Let C code of a child write where its threads are; :meth:`where` reads that a moment later."""
        number = traces.ask()
        if (
            number is not None
            and self.page_of(pid).phase == Phase.READY
            and not linux.is_stopped(pid)
        ):
            self.send(pid, number)

    def where(self, pid: int) -> str:
        """Return where the threads of a child are, after :meth:`ask_where`."""
        return self._made[pid].trace.text()


def _in_order(there: os.waitid_result) -> bool:
    return there.si_code == os.CLD_EXITED and there.si_status == 0


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
