"""The manager of a capsule: keeps its processors, and stops them by a deadline."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator

from .. import children, interruption
from ..clock import steady
from ..config import Capsule
from ..process import Run
from ..verdict import Taken
from .courier import Courier
from .executor import Executor
from .handover import Handover
from .inbox import Inbox
from .processor import Processor
from .worker import Worker

logger = logging.getLogger("kiq")


class Manager:
    """A courier and the processors that it serves.

    Threads: the launcher's.
    """

    def __init__(self, worker: Worker, capsule: Capsule, execute: Executor) -> None:
        self._inbox = Inbox()
        self._handover = Handover(capsule.concurrency)
        self.courier = Courier(worker, capsule, self._inbox, self._handover)
        self._name = capsule.name
        self._execute = execute
        self._report = worker.report
        self._hired = 0
        self._staffing = threading.Lock()  # held by who changes the list of processors
        self.processors = [self._hire() for _ in range(capsule.concurrency)]

    def _hire(self) -> Processor:
        self._hired += 1
        return Processor(
            self._inbox,
            self._handover,
            self._execute.entry,
            self._execute.failures.of_kiq,
            self.courier.lead.take,
            self._report,
            f"kiq-{self._name}-{self._hired}",
        )

    def start(self) -> None:
        """Start the threads. All are made now: a job can't fail for want of one later."""
        children.watch()
        os.register_at_fork(after_in_child=self._handover.forked)
        for processor in self.processors:
            processor.thread.start()
        self.courier.thread.start()

    def replace(self, processor: Processor, taken: Taken) -> bool:
        """Let a new thread do the work of *processor*, which is stuck in *taken*; False if it is not.

        That one settles its job, if it ever comes back, and ends. Raises RuntimeError when no thread
        can be made.
        """
        with self._staffing:
            if processor.retired or not processor.retire(taken):
                return False
            fresh = self._hire()
            try:
                fresh.thread.start()
            except RuntimeError:
                processor.retired = False
                raise
            self.processors = [*(one for one in self.processors if not one.gone), fresh]
            return True

    def resize(self, threads: int) -> None:
        """Have so many threads from now on: new ones, or fewer, of which each ends the job that it runs."""
        before = self.courier.threads
        with self._staffing:
            threads = self._resized(threads)
        self.courier.threads = threads
        logger.info("capsule %s has %d threads now; it had %d", self._name, threads, before)
        self.courier.look()

    def _resized(self, threads: int) -> int:
        at_work = [one for one in self.processors if not one.retired]
        surplus = sorted(at_work, key=lambda one: one.current is not None)  # who waits goes first
        for processor in surplus[: max(0, len(at_work) - threads)]:
            processor.dismiss()
        fresh: list[Processor] = []
        try:
            while len(at_work) + len(fresh) < threads:
                one = self._hire()
                one.thread.start()
                fresh.append(one)
        except RuntimeError as error:
            logger.error("capsule %s: no more threads can be had: %s", self._name, error)
            threads = len(at_work) + len(fresh)
        self.processors = [*(one for one in self.processors if not one.gone), *fresh]
        return threads

    def mend(self) -> bool:
        """Let new threads do the work of those that have ended unasked; False when none can be had."""
        with self._staffing:
            self.processors = [one for one in self.processors if not one.gone]
            alive = [one.retired or one.thread.is_alive() for one in self.processors]
            ended = [
                one for one, is_well in zip(self.processors, alive, strict=True) if not is_well
            ]
            mended = [self._mended(one) for one in ended]
        return all(mended)

    def _mended(self, processor: Processor) -> bool:
        logger.error("thread %s has ended unasked: another takes its place", processor.thread.name)
        processor.clear_away()
        fresh = self._hire()
        try:
            fresh.thread.start()
        except RuntimeError as error:
            logger.error("no thread takes its place: %s", error)
            return False
        self.processors = [*(one for one in self.processors if one is not processor), fresh]
        return True

    def quiet(self) -> None:
        """Take no more jobs."""
        self.courier.quiet()

    def runs(self) -> Iterator[Run]:
        """Return whatever may run a job: the processors, and the runs that left theirs."""
        yield from self.processors
        # Only now: a run that leaves its processor meanwhile is seen here, if not there.
        yield from list(self._handover.away)

    @property
    def running(self) -> list[Taken]:
        """The jobs that run at this moment."""
        return [job for job in (run.current for run in self.runs()) if job]

    @property
    def idle(self) -> bool:
        """Whether nothing runs, waits, or is about to. Final once :meth:`quiet` was called."""
        # In this order: a fetch that was under way has filled the inbox before the courier naps,
        # and woken threads before the inbox is empty. Else a job could start unseen, and run twice.
        return (
            self.courier.napping
            and not len(self._inbox)
            # One that is retired never waits: it has ended, or what it ran is not settled yet.
            and self._inbox.free >= sum(one.thread.is_alive() for one in self.processors)
            and not self.running
        )

    def interrupt(self, patience: float) -> None:
        """Raise Shutdown in everything that runs a job, once; see :meth:`Processor.interrupt`."""
        for run in self.runs():
            run.interrupt(patience)

    def finish(self, deadline: float) -> None:
        """Start no further job; write what is owed until *deadline* (steady clock), and leave."""
        for processor in self.processors:
            interruption.due.pop(processor, None)
        self._handover.leave()
        self._inbox.close()
        self.courier.finish(deadline)

    def join(self, deadline: float) -> bool:
        """Wait for the courier to have left, until *deadline*; return whether it has."""
        self.courier.thread.join(deadline - steady())
        return self.courier.left
