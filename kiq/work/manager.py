"""The manager of a capsule: keeps its processors, and stops them by a deadline."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from ..clock import steady
from ..config import Capsule
from ..verdict import Taken
from .buffer import Buffer
from .courier import Courier
from .desk import Desk, Run
from .executor import Executor
from .processor import Processor
from .worker import Worker


class Manager:
    """A courier and the processors that it serves.

    Threads: the launcher's.
    """

    def __init__(self, worker: Worker, capsule: Capsule, execute: Executor) -> None:
        self._buffer = Buffer()
        self._desk = Desk(capsule.concurrency)
        self.courier = Courier(worker, capsule, self._buffer, self._desk)
        self.processors = [
            Processor(
                self._buffer,
                self._desk,
                execute,
                self.courier.driver.drive,
                worker.host.report,
                f"kiq-{capsule.name}-{n}",
            )
            for n in range(1, capsule.concurrency + 1)
        ]

    def start(self) -> None:
        """Start the threads. All are made now: a job can't fail for want of one later."""
        os.register_at_fork(after_in_child=self._desk.forked)
        for processor in self.processors:
            processor.thread.start()
        self.courier.thread.start()

    def quiet(self) -> None:
        """Take no more jobs."""
        self.courier.quiet()

    def runs(self) -> Iterator[Run]:
        """Return whatever may run a job: the processors, and the runs that left theirs."""
        yield from self.processors
        # Only now: a run that leaves its processor meanwhile is seen here, if not there.
        yield from list(self._desk.away)

    @property
    def running(self) -> list[Taken]:
        """The jobs that run at this moment."""
        return [job for job in (run.current for run in self.runs()) if job]

    @property
    def idle(self) -> bool:
        """Whether nothing runs, waits, or is about to. Final once :meth:`quiet` was called."""
        # In this order: a fetch that was under way has filled the buffer before the courier naps,
        # and woken threads before the buffer is empty. Else a job could start unseen, and run twice.
        return (
            self.courier.napping
            and not len(self._buffer)
            and self._buffer.free >= len(self.processors)
            and not self.running
        )

    def interrupt(self) -> int:
        """Raise Shutdown in everything that runs a job; return how many were reached."""
        return sum(run.interrupt() for run in self.runs())

    def finish(self, deadline: float) -> None:
        """Start no further job; write what is owed until *deadline* (steady clock), and leave."""
        self._desk.leave()
        self._buffer.close()
        self.courier.finish(deadline)

    def join(self, deadline: float) -> bool:
        """Wait for the courier to have left, until *deadline*; return whether it has."""
        join(self.courier.thread, deadline)
        return self.courier.left


def join(thread: threading.Thread, deadline: float) -> None:
    """Wait for *thread*, if it was started, until *deadline* (steady clock)."""
    if thread.ident is not None:
        thread.join(max(0.0, deadline - steady()))
