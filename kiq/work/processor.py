"""One thread that runs jobs: take, execute, hand the verdict on."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

from ..clock import steady
from ..errors import Shutdown
from ..logcontext import tid_of
from ..verdict import Taken, ToQueue, Verdict
from .buffer import Buffer
from .desk import MOST_WAITING, Desk

#: In CPython 3.11 an exception that waits for a thread in C code makes every *traced* thread spin
#: (a debugger, coverage): the process would hang past its deadline.
_TRACED_THREADS_SPIN = sys.version_info < (3, 12)


class Processor:
    """Runs one job after another.

    Threads: its own; the heartbeat reads what it runs, the launcher may interrupt it.
    """

    def __init__(
        self,
        buffer: Buffer,
        desk: Desk,
        execute: Callable[[Taken, Desk], Verdict | None],
        nudge: Callable[[], None],
        report: Callable[[BaseException, dict[str, Any]], None],
        name: str,
    ) -> None:
        self._buffer = buffer
        self._seat = buffer.seat()
        self._desk = desk
        self._execute = execute
        self._nudge = nudge
        self._report = report
        self.current: Taken | None = None  # what runs, for the busy table
        self.started_at = 0.0  # on the clock of kiq.clock.steady
        self.thread = threading.Thread(target=self.run, name=name, daemon=True)

    def run(self) -> None:
        """Run jobs until the buffer is closed, or the process shuts down hard."""
        while True:
            try:
                self._work()
                return
            except Shutdown:
                # Raised into this thread after the job's own code had ended: no verdict, no harm.
                # What was in hand goes back with everything else that is unsettled.
                return
            except BaseException as error:  # noqa: BLE001 (no thread dies of a job)
                self._recover(error)

    def _work(self) -> None:
        buffer, desk, execute, seat = self._buffer, self._desk, self._execute, self._seat
        nudge = self._nudge
        outbox, next_job, waiting_jobs = desk.outbox, buffer.next_job, buffer.jobs
        # Set when a job left this thread: no verdict makes the courier look who is free.
        say = None
        while True:
            try:
                taken = next_job()
            except IndexError:
                waited_for, say = buffer.take(seat, say), None
                if waited_for is None:
                    return
                taken = waited_for
            now = steady()
            # Two compares in the usual case; all that can forbid a start is behind them.
            if (
                now > taken.flight.permit.until or now > desk.gate_at
            ) and not desk.wait_for_permission(taken):
                continue
            self.started_at = now
            self.current = taken
            verdict = execute(taken, desk)
            self.current = None
            if verdict is not None:
                outbox.append((taken, verdict))
            else:
                desk.hold_back()  # it goes on without this thread, and its verdict comes later
                say = desk.wake
            waiting = len(outbox)
            if waiting >= desk.patience or len(waiting_jobs) <= desk.low_water:
                nudge()
                if waiting >= MOST_WAITING:
                    desk.wait_for_room(nudge)

    def _recover(self, error: BaseException) -> None:
        """Give back the job in hand after an error of kiq's own, and go on: no thread dies of a job."""
        taken, self.current = self.current, None
        self._report(error, {"context": "processor", "thread": self.thread.name})
        if taken is not None:
            self._desk.outbox.append((taken, ToQueue(last=True)))
            self._desk.wake()

    @property
    def tid(self) -> str:
        """The id of the thread as logs show it."""
        return tid_of(self.thread)

    def interrupt(self) -> bool:
        """Raise Shutdown in this thread if it runs a job; best effort, it can't reach into C code."""
        ident = self.thread.ident
        if self.current is None or ident is None or (_TRACED_THREADS_SPIN and threading.gettrace()):
            return False
        reached = ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(ident), ctypes.py_object(Shutdown)
        )
        return bool(reached)
