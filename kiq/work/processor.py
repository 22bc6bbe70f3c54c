"""One thread that runs jobs: take, execute, hand the verdict on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .. import interruption, raising
from ..clock import steady
from ..errors import Cancelled, Shutdown
from ..good_moment import on_its_way, patience_with
from ..logcontext import tid_of
from ..verdict import CANCELLED, Dropped, Taken, ToQueue, Verdict
from .handover import MOST_WAITING, Handover
from .inbox import Inbox


class Processor(raising.Interruptible):
    """Runs one job after another. What may be interrupted is its :attr:`current` job.

    Threads: its own; the heartbeat reads what it runs, the launcher may interrupt it.
    """

    def __init__(
        self,
        inbox: Inbox,
        handover: Handover,
        execute: Callable[[Taken, Handover], Verdict | None],
        failed: Callable[[Taken, BaseException], Verdict],
        nudge: Callable[[], None],
        report: Callable[[BaseException, dict[str, Any]], None],
        name: str,
    ) -> None:
        """*failed* decides about a job in whose run kiq itself made a mistake."""
        super().__init__()
        self._inbox = inbox
        self._seat = inbox.seat()
        self._handover = handover
        self._execute = execute
        self._failed = failed
        self._nudge = nudge
        self._report = report
        self.current: Taken | None = None  # what runs, for the busy table
        self.started_at = 0.0  # on the clock of kiq.clock.steady
        self.retired = False  # it ends with the job in hand: another does its work, or nobody
        self._leaving: Taken | None = None  # what was told that the process ends
        self.thread = threading.Thread(target=self.run, name=name, daemon=True)

    def run(self) -> None:
        """Run jobs until the inbox is closed, another thread takes over, or a hard shutdown."""
        while not self.retired:
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
        inbox, handover, execute, seat = self._inbox, self._handover, self._execute, self._seat
        nudge = self._nudge
        outbox, next_job, waiting_jobs = handover.outbox, inbox.next_job, inbox.jobs
        say = None  # set when a job left this thread: no verdict makes the courier look who is free
        while True:
            try:
                taken = next_job()
            except IndexError:
                if (waited_for := inbox.take(seat, say)) is None:
                    return
                taken, say = waited_for, None
            now = steady()
            # Two compares in the usual case; all that can forbid a start is behind them.
            if (
                now > taken.flight.permit.until or now > handover.gate_at
            ) and not handover.wait_for_permission(taken):
                continue
            self.started_at = now
            self.current = taken
            try:
                verdict = execute(taken, handover)
            except Cancelled:  # it came when the job's own code had ended
                verdict = Dropped(CANCELLED)
            self.current = None
            try:
                is_last = self._hailed and self._was_last(verdict, taken)
            except Cancelled:  # in that call, in CPython 3.13 even as it begins; once at most
                is_last = self._was_last(verdict, taken)
            if is_last:
                return
            if verdict is not None:
                outbox.append((taken, verdict))
            else:
                handover.hold_back()  # it goes on without this thread, and its verdict comes later
                say = handover.wake
            if len(outbox) >= handover.patience or len(waiting_jobs) <= handover.low_water:
                nudge()
                if len(outbox) >= MOST_WAITING:
                    handover.wait_for_room(nudge)

    def _recover(self, error: BaseException) -> None:
        """Let the job in hand fail after an error of kiq's own, and go on: no thread dies of a job."""
        taken, self.current = self.current, None
        if taken is None:
            self._report(error, {"context": "processor", "thread": self.thread.name})
            return
        # Not back into its queue: it would meet the same error at once, again and again.
        self._handover.outbox.append((taken, self._failed(taken, error)))
        self._handover.wake()

    def clear_away(self) -> None:
        """Give back the job in hand, if there is one, and the seat: the thread has ended."""
        taken, self.current = self.current, None
        self._inbox.leave(self._seat)
        if taken is not None:
            self._handover.outbox.append((taken, ToQueue(last=True)))
            self._handover.wake()

    @property
    def gone(self) -> bool:
        """Whether it was to end, and has."""
        return self.retired and not self.thread.is_alive()

    @property
    def tid(self) -> str:
        """The id of the thread as logs show it."""
        return tid_of(self.thread)

    def interrupt(self, patience: float = 0.0) -> None:
        """Raise Shutdown in this thread, once, if it runs a job; best effort, not in C code.

        Not while it pushes or logs: then it raises that itself when it is through, or is told when this
        is called again. *patience* is for how many seconds it has been.
        """
        taken, ident = self.current, self.thread.ident
        if taken is None or ident is None:
            return
        if self._leaving is not taken:
            self._leaving = taken
            on_its_way(self, ident, self._leave)
        if patience_with(ident) <= patience and interruption.due.pop(self, None) is not None:
            raising.send(ident, Shutdown)

    def _leave(self) -> None:
        """Raise it here, in this thread."""
        if self.current is not None and self.current is self._leaving:
            raise Shutdown

    def cancel(self, taken: Taken) -> bool:
        """Raise Cancelled in this thread while it runs *taken*, and never later; False if it is over.

        To be called once for a job.
        """
        return self._interrupt(
            lambda: self.current is taken, lambda: raising.send(self.thread.ident, Cancelled)
        )

    def retire(self, taken: Taken) -> bool:
        """Make this thread end with *taken*, which it runs; False if that is over."""

        def retire() -> bool:
            self.retired = True
            return True

        return self._interrupt(lambda: self.current is taken, retire)

    def dismiss(self) -> None:
        """Make this thread end as soon as it has no job in hand: at once, if it waits for one."""
        self.retired = True
        self._interrupt(lambda: False, bool)  # hailed: it looks behind the job that it is at
        self._inbox.dismiss(self._seat)

    def _was_last(self, verdict: Verdict | None, taken: Taken) -> bool:
        """Let what somebody raised in this thread pass; tell whether *taken* was its last job."""
        self._hailed = False
        self._calm(self._is_child)
        if self.retired:
            if verdict is not None:
                self._handover.outbox.append((taken, verdict))
            self._handover.wake()
        return self.retired

    def _is_child(self) -> bool:
        self._handover.end_child()
        return False
