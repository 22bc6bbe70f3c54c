"""Signals as Resque's workers heed them, where they are not kiq's own."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Sequence

from ...plugin import Host
from ...process import Loop, WorkerProcess

logger = logging.getLogger("kiq.resque")

_LOOK = 0.5  # seconds between two looks at what came
_OURS = (signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)


class Signals:
    """QUIT ends a worker when its jobs have; USR2 pauses, CONT goes on; USR1 says what to do instead.

    A signal that the application, or a parent, has taken is left to it. Threads: handlers run on the main
    thread, and set what the others look at.
    """

    def __init__(self) -> None:
        self.paused = False
        self._quits = self._asked = False

    def install(self, host: Host) -> None:
        """Attach what hears them when a worker starts."""
        host.on("startup")(self._listen)
        host.queue_filters.append(self._open)
        host.services.append(lambda process: _Heeding(self, process))

    def _listen(self) -> None:
        for number in _OURS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._received)

    def _open(self, names: Sequence[str]) -> Sequence[str]:
        return () if self.paused else names

    def _received(self, number: int, _frame: object) -> None:
        if number == signal.SIGQUIT:
            self._quits = True
        elif number == signal.SIGUSR1:
            self._asked = True
        else:
            self.paused = number == signal.SIGUSR2

    def quits(self) -> bool:
        """Tell whether the worker is to end when its jobs have."""
        return self._quits

    def asked(self) -> bool:
        """Tell, once, whether somebody wanted the running job to be killed."""
        asked, self._asked = self._asked, False
        return asked


class _Heeding:
    """Does in one worker process what signals asked for."""

    def __init__(self, signals: Signals, process: WorkerProcess) -> None:
        self._signals, self._process = signals, process
        self._paused = self._quiet = False
        self._loop: Loop = process.loop("resque-signals", self._look, lost=_nothing, leave=_nothing)

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        self._loop.stop()

    def _look(self) -> float:
        if self._signals.asked():
            logger.warning(
                "USR1 kills no job here: `kiq ps` shows what runs, and `kiq.cancel(jid)` ends it; the "
                "worker goes on"
            )
        if self._signals.paused != self._paused:
            self._paused = self._signals.paused
            logger.info("paused: no new jobs until CONT" if self._paused else "goes on")
        if self._signals.quits():
            self._end_when_idle()
        return _LOOK

    def _end_when_idle(self) -> None:
        if not self._quiet:
            self._quiet = True
            logger.info("QUIT: ends when the jobs that run have ended")
            os.kill(os.getpid(), signal.SIGTSTP)
            return
        numbers = self._process.numbers()
        if not numbers.busy and not numbers.in_flight and not numbers.unsettled:
            self._process.end(0)


def _nothing() -> None:
    return None
