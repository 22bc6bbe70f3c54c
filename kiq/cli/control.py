"""Control of a worker process: hears signals at every moment of its life, and acts on them."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import NoReturn

from ..clock import steady
from ..kept import Kept, make_own, stack_of
from ..loggers import lines
from ..signals import DUMP, QUIET, Signals, log_stacks
from ..work.launcher import Launcher
from .ending import end_now, run_exit_handlers
from .exit_codes import SOFTWARE

logger = logging.getLogger("kiq")

#: What a process is at before it has anything to take down: an order to stop ends it there.
IMPORTING, CONNECTING = "the application was imported", "Redis was reached"
STARTING, RUNNING, STOPPING, ENDING = "starting", "running", "stopping", "ending"

_BEYOND = 5.0  # seconds beyond the deadline of a stop at which the process ends, whatever hangs
_TO_WRITE = 1.0  # seconds for the lines that wait
_TO_CUT = 0.2  # seconds between the end of what runs at exit and the moment when it is cut off
_LAST_WORDS = 2.0  # seconds for what runs at exit, where the deadline has passed


class Control:
    """One thread that hears, and that waits for nobody: no stream, no lock of a job, no user code.

    The main thread runs the application's code, starts and stops the launcher; when it does not come
    to an end in time, this one ends the process.
    """

    def __init__(self) -> None:
        self.signals = Signals()
        self.ordered = threading.Event()  # a stop was
        self._phase = IMPORTING
        self._launcher: Launcher | None = None
        self._orders = 0
        self._quiet = False
        self._end_by = float("inf")
        self._code = SOFTWARE  # of a process that has to be cut off
        self._main = threading.get_ident()
        self._thread = Kept(self._run, "kiq-control")

    def start(self) -> None:
        """Take over the signals, and begin to hear. Raises RuntimeError when no thread can be had."""
        make_own()
        self._thread.start()
        self.signals.install()

    def enter(self, phase: str, launcher: Launcher | None = None) -> None:
        """Note what the main thread does now."""
        self._launcher = launcher or self._launcher
        self._phase = phase
        if self._launcher is None:
            return
        if phase == RUNNING and self._quiet:
            self._launcher.quiet()
        elif phase == STOPPING:
            self._end_within(self._launcher.worker.config.shutdown_timeout + _BEYOND)
            self.signals.wake()

    def take_signals_back(self) -> None:
        """Take over again what the application's code has taken over, and say so."""
        for name in self.signals.renew():
            logger.warning("the application's own handler of %s is replaced: kiq needs it", name)

    def finish(self, code: int) -> NoReturn:
        """Run what is to run at exit, and end the process with *code*; for the main thread."""
        written = lines.drain(_TO_WRITE)
        now = steady()
        deadline = self._launcher.worker.deadline.at if self._launcher is not None else None
        until = now + _BEYOND
        if deadline is not None:
            until = min(deadline + _BEYOND, max(deadline, now + _LAST_WORDS))
        if not written:
            until = min(until, now + _LAST_WORDS)  # who flushes the log would wait for its reader
        self._code, self._end_by, self._phase = code, until, ENDING
        self.signals.wake()
        run_exit_handlers(until - _TO_CUT)
        end_now(code)

    # The thread

    def _run(self) -> None:
        while True:
            left = self._end_by - steady()
            if left <= 0:
                self._cut_off()
            name = self.signals.wait(min(left, 3600.0))
            if name in QUIET:
                self._be_quiet()
            elif name in DUMP:
                log_stacks()
            elif name is not None:
                self._stop(name)

    def _be_quiet(self) -> None:
        self._quiet = True
        if self._phase == RUNNING and self._launcher is not None:
            self._launcher.quiet()

    def _stop(self, name: str) -> None:
        """Act on an order to stop: first act, then tell."""
        self._orders += 1
        launcher = self._launcher
        if self._orders > 2:
            os._exit(128 + signal.Signals[f"SIG{name}"])
        if launcher is None or self._phase == CONNECTING:
            logger.info("stopped before %s", self._phase)
            end_now(0)
        if self._orders == 1:
            self._begin_stop(launcher)
        else:
            launcher.hurry()
            self._end_within(_BEYOND if launcher.started else 0.0)
            logger.warning("told again: running jobs go back to their queues now")

    def _begin_stop(self, launcher: Launcher) -> None:
        if self._phase == ENDING:
            self._end_within(_LAST_WORDS)
            return
        seconds = launcher.worker.config.shutdown_timeout
        launcher.order_stop()
        self._end_within(seconds + _BEYOND)
        self.ordered.set()
        logger.info("stopping: running jobs have %g s", seconds)

    def _end_within(self, seconds: float) -> None:
        self._end_by = min(self._end_by, steady() + seconds)

    def _cut_off(self) -> NoReturn:
        stack = stack_of(self._main)
        if self._phase == ENDING:
            logger.warning("what runs at exit did not end in time; it is here:\n%s", stack)
            end_now(self._code)
        launcher = self._launcher
        if launcher is None or not launcher.started:
            logger.warning("stopped though a startup handler did not end; it is here:\n%s", stack)
            end_now(0)
        logger.critical(
            "the stop did not end in time: jobs in hand run again when a process notices. It is here:\n%s",
            stack,
        )
        end_now(launcher.exit_code or SOFTWARE)
