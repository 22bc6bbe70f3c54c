"""A stop in order: running jobs end or go back, handlers hear of it, and the process signs off."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..clock import steady
from ..codec import decode
from ..errors import UndecodablePayload
from ..verdict import Taken
from .heartbeat import Heartbeat
from .manager import Manager
from .poller import Poller
from .reclaimer import Reclaimer
from .run_folder import RunFolder
from .worker import Worker

logger = logging.getLogger("kiq")

_AFTER_INTERRUPT = 1.0  # seconds that interrupted jobs have for their last words
_TO_SETTLE = 3.0  # seconds for writing what is owed; this much beyond the deadline:
_BEYOND = 2.0
_TO_LEAVE = 0.5  # seconds more for giving back and signing off
_LAST_HANDLERS = 1.0  # seconds for handlers beyond the deadline, all together
_PATIENCE = 0.3  # ... and for one


@dataclass(slots=True)
class Stop:
    """Takes a worker down. Nothing that goes wrong in one step keeps the next from being taken.

    Threads: the launcher's. It takes until the deadline and some 4.5 seconds at most.
    """

    worker: Worker
    managers: Sequence[Manager]
    poller: Poller
    reclaimer: Reclaimer
    heartbeat: Heartbeat
    run_folder: RunFolder

    def run(self, quiet: Callable[[], None]) -> None:
        """Do it; *quiet* takes no more jobs."""
        steps = (
            quiet,
            self._tell_handlers,
            self._wait_for_jobs,
            self._interrupt_jobs,
            self._sign_off,
            self._last_handlers,
        )
        for step in steps:
            try:
                step()
            except BaseException as error:
                logger.critical("a step of the stop failed: %r", error, exc_info=error)
        logger.info("bye")

    def _tell_handlers(self) -> None:
        self.worker.tell("shutdown")
        for service in self.worker.services:
            self.worker.errands.call("end of service", service.stop, failed=self._not_stopped)

    def _not_stopped(self, error: BaseException) -> None:
        self.worker.host.report(error, {"context": "stopping a service"})

    def _wait_for_jobs(self) -> None:
        """Wait for jobs, and for what handlers do, until the deadline."""
        errands = self.worker.errands
        while not self.worker.deadline.passed:
            if all(manager.idle for manager in self.managers) and errands.idle(0.0):
                return
            errands.look()
            self.worker.deadline.hurried.wait(0.02)

    def _interrupt_jobs(self) -> None:
        running = [taken for manager in self.managers for taken in manager.running]
        if running:
            logger.warning(
                "%d jobs did not finish in %g s and go back to their queues: %s",
                len(running),
                round(self.worker.deadline.given, 1),
                ", ".join(map(_jid, running[:100])) + (" and others" if len(running) > 100 else ""),
            )
        began = steady()
        while (waited := steady() - began) < _AFTER_INTERRUPT and self._busy:
            for manager in self.managers:
                manager.interrupt(2 * waited)  # so that who waits in a lock has time to end, too
            self.worker.errands.look(_PATIENCE)
            threading.Event().wait(0.01)

    @property
    def _busy(self) -> bool:
        return any(manager.running for manager in self.managers) or not self.worker.errands.idle(
            0.0
        )

    def _sign_off(self) -> None:
        now = steady()
        deadline = min(now + _TO_SETTLE, max(now, self.worker.deadline.at or now) + _BEYOND)
        for manager in self.managers:
            manager.finish(deadline)
        self.reclaimer.loop.stop()
        latest = deadline + _TO_LEAVE
        stayed = [manager for manager in self.managers if not manager.join(latest)]
        self.heartbeat.stop()
        for part in (self.poller.loop, self.reclaimer.loop, self.heartbeat.loop):
            part.join(latest - steady())
        if not stayed and self.poller.left:
            # Not before: a free lock would prove to others that this process is dead. And not when
            # jobs could not be given back: then the lock that its end sets free is to prove just that.
            self.run_folder.unlock()

    def _last_handlers(self) -> None:
        errands = self.worker.errands
        self.worker.tell("exit")
        until = max(steady(), self.worker.deadline.at or 0.0)
        while not errands.idle(0.02) and steady() < until + _LAST_HANDLERS:
            errands.look(_PATIENCE if self.worker.deadline.passed else None)
        errands.close()


def _jid(taken: Taken) -> str:
    try:
        return str(decode(taken.raw)[0].get("jid", "?"))
    except UndecodablePayload:
        return "(undecodable)"
