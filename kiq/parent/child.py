"""What a worker has of its parent: how it tells it how it is, and learns that it is gone."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..clock import steady
from ..health.reports import Outlet
from ..health.vitals import Vitals
from ..kept import Kept
from ..plugin import Host
from . import linux
from .ears import nothing
from .members import Phase
from .page import Page
from .traces import Trace


class _Working(Protocol):
    """What of a worker is looked at: a launcher, as a rule."""

    @property
    def idle(self) -> bool:
        """Whether no job runs or waits."""

    def quiet(self) -> None:
        """Take no more jobs."""

    def end(self, exit_code: int) -> None:
        """Stop in order."""


class Child:
    """This process as the child of a parent; made there, before the fork.

    *token* stands in the records of its owners: by it the parent knows whose jobs to give back. *lifeline*
    is the end of a pipe whose other end nobody but the parent holds. Threads: the main one.
    """

    def __init__(
        self, slot: int, token: str, page: Page, trace: Trace, lifeline: int, most_jobs: int
    ) -> None:
        self.slot = slot
        self.facts = {"child": token}
        self.outlet = Outlet(page.write)
        self._page = page
        self._trace = trace
        self._lifeline = lifeline
        self._counts = most_jobs > 0
        self.parent = os.getpid()
        self._order: Callable[[str], object] = nothing

    def settle_in(self, close: Sequence[int], cpu: int | None) -> None:
        """Become one, right after the fork: *close* what is the parent's, keep to *cpu* if it is named."""
        for descriptor in close:
            os.close(descriptor)
        # A group of its own: Ctrl-C reaches the parent alone, and what a job leaves can be ended with it.
        os.setpgid(0, 0)
        linux.end_with(self.parent)
        # USR2 says to the parent: restart. Whoever sends it to all means no harm to the children. The
        # others would suspend a worker that can't hear them yet.
        for number in (signal.SIGUSR2, signal.SIGTSTP, signal.SIGTTIN):
            signal.signal(number, nothing)
        if cpu is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {cpu})

    def begin(self, host: Host, order: Callable[[str], object]) -> None:
        """Watch the parent from now on: *order* gets "TERM" when it is gone. Before the worker starts."""
        self._order = order
        self._trace.offer()
        Kept(self._wait_for_death, "kiq-parent").start()
        if self._counts:
            host.on_settled(self._count)

    def enter(self, phase: Phase) -> None:
        """Tell the parent how far this process has come. One that ends before it was ready never was."""
        self._page.beat = steady()
        if phase is not Phase.STOPPING or self._page.phase == Phase.READY:
            self._page.phase = phase

    def beat(self) -> None:
        """Tell the parent that the main thread gets on."""
        self._page.beat = steady()

    def tell(self, vitals: Vitals) -> None:
        """Tell the parent what was seen last of this worker's own threads, and of Redis."""
        self._page.stuck, self._page.heard = bool(vitals.stuck), vitals.heard_at
        self._page.quiet = vitals.quiet

    def look(self, worker: _Working) -> None:
        """Tell the parent so, and do what it wants; call it every second."""
        self.beat()
        if self._page.finish:
            worker.quiet()
            if worker.idle:
                worker.end(0)

    def _count(self, batch: Sequence[Any]) -> None:
        self._page.jobs += len(batch)

    def _wait_for_death(self) -> None:
        poll = select.poll()
        poll.register(self._lifeline, select.POLLIN)
        while not poll.poll():
            pass
        self._order("TERM")
