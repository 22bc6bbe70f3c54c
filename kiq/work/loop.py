"""The loop: a named thread that ticks, can be woken, and lives through whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import math
import os
import weakref
from collections.abc import Callable

from ..errors import StoreError, StoreUnavailable
from ..kept import Kept
from .bell import Listener, wait_for
from .outage import Outage
from .worker import Worker

_HANGS_AFTER = 60  # seconds: what a tick does, and the sleep behind it, are over far sooner


class Loop:
    """Calls *tick* again and again: it returns the seconds until the next call.

    What it raises ends nothing. While Redis is away it is called with growing pauses, and that is said
    once. What Redis refuses makes pauses that grow too, of *rest* seconds at least and *most* at most; what
    else goes wrong is reported. All but refusals call *lost* first: whatever it was about to do is in an
    unknown state. *leave* is called at the end.

    Threads: its own calls the three; any may :meth:`wake` and :meth:`stop`, which wait for nothing.
    """

    def __init__(
        self,
        worker: Worker,
        name: str,
        tick: Callable[[], float],
        *,
        lost: Callable[[], object],
        leave: Callable[[], object],
        rest: float = 0.0,
        most: float = math.inf,
        hangs_after: int | None = _HANGS_AFTER,
    ) -> None:
        """*hangs_after*: when it is named in the log, if a tick takes so many seconds."""
        self._name = name
        self._tick, self._lost, self._at_end = tick, lost, leave
        self._report = worker.report
        self._rest, self._most = rest, most
        self._outage = Outage(name, trouble=worker.trouble)
        self._bell = Listener(worker.connector)
        self.stopping = False  # a tick that takes long looks now and then
        self.woken = False  # what made the tick: a call of wake, or the bell
        self._alarm_end, self._alarm = os.pipe()
        for end in (self._alarm_end, self._alarm):
            os.set_blocking(end, False)
            # Not at the end of a program either: that is when an embedded worker stops, and needs it.
            weakref.finalize(self, os.close, end).atexit = False
        self.thread = Kept(self._run, f"kiq-{name}", hangs_after, worker.threads)

    def start(self) -> None:
        """Begin. Raises RuntimeError when no thread can be had."""
        self.thread.start()

    def join(self, seconds: float) -> bool:
        """Wait so many seconds for the end; tell whether there is nobody to wait for."""
        return self.thread.join(seconds)

    def stop(self) -> None:
        """End after the tick in hand; harmless when repeated."""
        self.stopping = True
        self.wake()

    def wake(self) -> None:
        """Tick now, or once more when the tick in hand is over."""
        with contextlib.suppress(BlockingIOError):  # it has not heard the last ones yet
            os.write(self._alarm, b"!")

    def listen(self, channel: str) -> None:
        """Be woken by the bell of *channel* from now on. In a tick only; one round trip when it begins."""
        if self._bell.listen(channel) and self._bell.heard():
            self.wake()

    def _run(self) -> None:
        while not self.stopping:
            self.thread.turns += 1
            self._sleep(self._turn())
        self._bell.close()
        self._at_end()

    def _turn(self) -> float:
        try:
            pause = self._tick()
            self._outage.over()
            return pause
        except StoreUnavailable as error:
            self._lost()
            return self._outage.failed(error)
        except StoreError as error:
            return min(self._most, max(self._rest, self._outage.failed(error)))
        except BaseException as error:  # noqa: BLE001 (must outlive whatever happens)
            self._report(error, {"context": self._name})
            self._lost()
            return max(self._rest, self._outage.failed(error))

    def _sleep(self, seconds: float) -> None:
        """Sleep until the next tick is due; who wakes it, or the bell, cuts that short."""
        self.woken = False
        if seconds <= 0:
            return
        ready = wait_for(seconds, self._alarm_end, self._bell.fileno())
        if self._alarm_end in ready:
            os.read(self._alarm_end, 4096)
        if ready - {self._alarm_end}:
            self._bell.heard()
        self.woken = bool(ready)
