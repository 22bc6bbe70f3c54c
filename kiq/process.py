"""A worker process as the features see it that serve in it: what a service is made with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from .config import Config
from .registry import Registry
from .store.connection import Connector
from .verdict import Taken, Verdict
from .worker_state import WorkerState


class Unfit(Exception):
    """Raised by a tick of a duty: there is something that this process can't do, and another might."""


class RunningThread(Protocol):
    """A thread that runs jobs."""

    thread: threading.Thread
    current: Taken | None  # what it runs

    def cancel(self, taken: Taken) -> bool:
        """Raise Cancelled in it while it runs *taken*, and never later; False if it is over."""


class Outage(Protocol):
    """An outage of Redis as one part lives through it: pauses, and two lines in the log."""

    def failed(self, error: BaseException) -> float:
        """Note a failure; return how many seconds to wait before the next try."""

    def over(self) -> None:
        """Note that Redis answered."""


class Loop(Protocol):
    """A named thread that ticks; see :meth:`WorkerProcess.loop`."""

    stopping: bool
    woken: bool  # what made the tick: a call of wake, or the bell

    def start(self) -> None:
        """Begin. Raises RuntimeError when no thread can be had."""

    def stop(self) -> None:
        """End after the tick in hand; harmless when repeated, and waits for nothing."""

    def join(self, seconds: float) -> bool:
        """Wait so many seconds for the end; tell whether there is nobody to wait for."""

    def wake(self) -> None:
        """Tick now, or once more when the tick in hand is over. Any thread may call it."""

    def listen(self, channel: str) -> None:
        """Be woken by the bell of *channel* from now on. In a tick only; one round trip at first."""


class Run(Protocol):
    """A job at work, for the busy table and the shutdown: a thread's, or one on the event loop."""

    current: Taken | None
    started_at: float  # on the clock of kiq.clock.steady

    @property
    def tid(self) -> str:
        """What the busy table calls the thread."""

    def interrupt(self, patience: float = 0.0) -> None:
        """Raise Shutdown in it once, if possible; *patience* grows from call to call (seconds)."""


class Handover(Protocol):
    """Where those who run jobs elsewhere than on the thread that took them have to do with it."""

    def send_away(self, run: Run, hold_back: Callable[[], None]) -> None:
        """Let *run* leave its thread, which calls *hold_back* then: its verdict comes later."""

    def hand_back(self, taken: Taken, hold_back: Callable[[], None]) -> None:
        """Give *taken* back, which has not started; the thread that took it calls *hold_back* then."""

    def may_start(self, taken: Taken) -> bool | None:
        """Tell whether *taken* may start now; None: not yet."""

    def wake(self) -> None:
        """See to it that what stands in the way of a start is looked at."""

    def deliver(self, run: Run, verdict: Verdict | None) -> None:
        """Take the verdict of a run that was sent away; None: it did not start, and is not ours."""

    def end_child(self) -> None:
        """End this process if it is a child that a job forked: that job has returned in it."""


class Numbers(NamedTuple):
    """What a worker has in hand at a moment.

    *busy* are jobs that run; *in_flight* those that it has taken, *buffered* of these have not started;
    *unsettled* verdicts are not confirmed yet. *round_trip* is seconds, of the last beat; *reclaimed* is
    how many jobs of dead processes it has given back.
    """

    busy: int
    in_flight: int
    buffered: int
    unsettled: int
    round_trip: float
    reclaimed: int


class WorkerProcess(Protocol):
    """The worker process that a service is made for: ``host.services.append(lambda process: ...)``."""

    identity: str  # its name in Redis, which no other has had
    config: Config
    registry: Registry
    connector: Connector  # opens connections to its Redis
    state: WorkerState  # what its jobs find in their context, and features keep for it

    def report(self, error: BaseException, context: dict[str, Any]) -> None:
        """Tell the error handlers; they run on another thread."""

    def outage(self, part: str) -> Outage:
        """Return what says of *part*, in the log, that Redis is away and that it is back."""

    def loop(
        self,
        name: str,
        tick: Callable[[], float],
        *,
        lost: Callable[[], object],
        leave: Callable[[], object],
        rest: float = 0.0,
    ) -> Loop:
        """Return a thread ``kiq-NAME`` that calls *tick*, which returns the seconds until the next call.

        What it raises ends nothing: while Redis is away it is called with growing pauses, and that is
        said once; what Redis refuses makes pauses too, of *rest* seconds at least; what else goes wrong is
        reported. All but refusals call *lost* first: whatever it was about to do is in an unknown state.
        *leave* is called at the end.
        """

    def duty(
        self,
        name: str,
        tick: Callable[[], float],
        *,
        lost: Callable[[], object],
        leave: Callable[[], object],
    ) -> Loop:
        """Return a loop of which only one process of the fleet has the ticks, as long as it lives.

        As :meth:`loop`. A tick should take less than three seconds: after six, another process is
        elected. When that happens the next tick comes at once there; so a tick looks at what is due, and
        bears that the last one was half done, or that another is under way. What Redis refuses to this
        process makes it leave the duty to another that wants it, and so does :class:`Unfit`, raised.
        ``ProcessSet.duties`` tells who has which.
        """

    def taken(self) -> Mapping[str, int]:
        """Return how many jobs of each queue it has taken until now, and not handed back."""

    def take_from(self, queues: Sequence[str], capsule: str = "default") -> None:
        """Take jobs from *queues* instead of those of the settings, in that order, from the next fetch on.

        For features that find queues as they appear. Any thread; what was taken before stays as it is. A
        queue that the settings don't name has weight 1. Raises ConfigError for an unknown capsule, a name
        that no queue can have, and for none at all.
        """

    def numbers(self) -> Numbers:
        """Return what it has in hand. Any thread; asks nobody."""

    def threads(self) -> Sequence[RunningThread]:
        """Return the threads that run jobs."""

    def replace(self, thread: RunningThread, taken: Taken) -> bool:
        """Let a new thread do the work of *thread*, which is stuck in *taken*; False if it is not."""

    def end(self, exit_code: int) -> None:
        """Stop this process in order, as by TERM; it ends with *exit_code*."""
