"""The handover between processors and their courier: verdicts to send, and leave to start a job."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable

from .. import children
from ..clock import steady
from ..process import Run
from ..verdict import Settlement, Taken, ToQueue, Verdict

#: Verdicts that may wait for the courier, and that one write may carry; both together are the 500
#: that may be owed to Redis before no new job starts.
MOST_WAITING = 250
BATCH = 250
MOST_REFUSED = 500
_TOLERANCE = (
    0.250  # seconds that a verdict may wait for its answer while as many are owed as threads
)


def _nothing() -> None:
    return None


class Handover:
    """What processors and their courier share, besides the inbox.

    Threads: processors append to the outbox, and ask before they start; the courier takes out, and
    opens or shuts the gate. All of it is single attribute reads, writes and deque calls.
    """

    def __init__(self, threads: int) -> None:
        self.outbox: deque[Settlement] = deque()
        self.owed = 0  # verdicts that were taken out of the outbox and are not answered yet
        self.gate_at = float("inf")  # no job starts after this moment without a closer look
        self.patience = 1  # wake the courier when the outbox holds so many
        self.low_water = 0  # ... or when the inbox holds no more than so many
        self.threads = threads  # that run jobs; set by the manager
        self._answered = threading.Event()
        self._refused = 0
        self.leaving = False  # no further job starts
        self._rung = False
        self._forked = False
        #: Runs that left their thread for the event loop: their verdicts come later.
        self.away: set[Run] = set()
        #: Called by a thread whose job went there: waits, empty-handed, while the loop is full.
        self.hold_back: Callable[[], None] = _nothing
        #: The end of a pipe that the courier's selector watches.
        self.bell_end, self._bell = os.pipe()
        os.set_blocking(self.bell_end, False)
        os.set_blocking(self._bell, False)

    def send_away(self, run: Run, hold_back: Callable[[], None]) -> None:
        """Let *run* leave its thread, which calls *hold_back* then: its verdict comes later."""
        self.hold_back = hold_back
        self.away.add(run)

    def hand_back(self, taken: Taken, hold_back: Callable[[], None]) -> None:
        """Give *taken* back, which has not started; the thread that took it calls *hold_back* then."""
        self.hold_back = hold_back
        self.outbox.append((taken, ToQueue()))
        self.wake()

    def deliver(self, run: Run, verdict: Verdict | None) -> None:
        """Take the verdict of a run that was :attr:`away`; None: it did not start, and is not ours."""
        if run.current is not None and verdict is not None:
            self.outbox.append((run.current, verdict))
        self.away.discard(run)
        if len(self.outbox) >= self.patience:
            self.wake()

    def wake(self) -> None:
        """Wake the courier (once, however many call)."""
        if self._rung:
            self.end_child()
            return
        self._rung = True
        try:
            os.write(self._bell, b"!")
        except BlockingIOError:
            pass  # full of earlier rings: the courier will wake all the same

    def woken(self) -> None:
        """Forget earlier rings; called by the courier when it is awake."""
        try:
            while len(os.read(self.bell_end, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass  # it woke for another reason
        self._rung = False

    def owe(self, count: int) -> None:
        """Note that *count* verdicts are under way to Redis, beginning now."""
        if not self.owed and count:
            self.gate_at = steady() + _TOLERANCE
        self.owed = count

    def answered(self, refused: int) -> None:
        """Note that Redis answered everything; it keeps refusing *refused* verdicts.

        Those back off alone and stop nobody, until there are too many to hold.
        """
        self.owed = 0
        self._refused = refused
        self.gate_at = float("-inf") if refused >= MOST_REFUSED else float("inf")
        self._answered.set()

    @property
    def closed(self) -> bool:
        """Whether no new job may start: too much of what ran is not settled."""
        waiting = len(self.outbox)
        late = steady() > self.gate_at and self.owed + waiting >= self.threads
        return late or waiting >= MOST_WAITING or self._refused >= MOST_REFUSED

    def wait_for_room(self, nudge: Callable[[], None]) -> None:
        """Call *nudge* until verdicts have been taken out of a full outbox, or the process leaves."""
        while len(self.outbox) >= MOST_WAITING and not self.leaving:
            self._answered.clear()
            nudge()
            if len(self.outbox) >= MOST_WAITING:
                self._answered.wait(0.05)

    def forked(self) -> None:
        """End this process when the job in hand returns: it is a child that a job forked.

        It has a copy of the inbox, whose jobs are its parent's, and no courier. Called in the child.
        """
        # Another thread may have held the old one's lock at the fork: here it would do so for ever.
        self._answered = threading.Event()
        self._forked = self._rung = True
        self.patience = 0
        self.leave()

    def end_child(self) -> None:
        """End this process if it is a child that a job forked: that job has returned in it."""
        if self._forked:
            children.end()

    def leave(self) -> None:
        """Start no further job, whatever is in the inbox or on its way to a thread."""
        self.leaving = True
        self.gate_at = float("-inf")
        self._answered.set()

    def wait_for_permission(self, taken: Taken) -> bool:
        """Wait until *taken* may start; False when it may not any more (then forget it).

        It may while its owner's lease is good and the gate is open.
        """
        while True:
            self.end_child()
            may = self.may_start(taken)
            if may is not None:
                return may
            self._answered.clear()
            self.wake()
            self._answered.wait(0.05)

    def may_start(self, taken: Taken) -> bool | None:
        """Tell whether *taken* may start now; None: not yet."""
        permit = taken.flight.permit
        if permit.fenced or self.leaving:
            return False
        return True if steady() <= permit.until and not self.closed else None
