"""Notices: plugins hear of jobs that are settled, in batches, on the threads of handlers."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..plugin import Host, SettledHandler
from ..settled import Fate, Settled, settled_of
from ..undone import check_done
from ..verdict import Taken
from .errands import Errands

logger = logging.getLogger("kiq.handlers")

_MOST = 100_000  # jobs that one handler may be behind by; the log says what it is not told then
_BATCH = 1_000  # jobs that it is told of at a time


class _Reader:
    """One handler, and the jobs that it has not been told of yet.

    Threads: those that settle call :meth:`add`, one of handlers :meth:`_read`.
    """

    def __init__(self, handler: SettledHandler, errands: Errands, failed: Any) -> None:
        self.handler = handler
        self._errands = errands
        self._failed = failed
        self._waiting: deque[Settled] = deque()
        self._called = False
        self._dropped = 0
        self._call = self._read  # one object: errands know by it what hangs

    def add(self, batch: Sequence[Settled]) -> None:
        """Tell it of *batch* soon."""
        if len(self._waiting) > _MOST:
            if not self._dropped:
                logger.error("a handler of settled jobs does not keep up: it is not told of all")
            self._dropped += len(batch)
        else:
            self._waiting.extend(batch)
        if not self._called:
            self._called = True
            if self._errands.call("settled", self._call, failed=self._failed) is None:
                self._called = False

    def _read(self) -> None:
        while True:
            # In this order: what is added from here on is read below, or asks for another look.
            self._called = False
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                try:
                    check_done(self.handler(batch), "a handler of settled jobs")
                except BaseException as error:  # noqa: BLE001 (sys.exit in a handler, too)
                    self._failed(error)
            if not self._called:
                break
        dropped, self._dropped = self._dropped, 0
        if dropped:
            logger.error("%d settled jobs were not told to a handler that did not keep up", dropped)


class Notices:
    """Hands settled jobs to ``host.settled_handlers``. Where there are none it costs one look.

    Threads: whoever settles.
    """

    def __init__(
        self, host: Host, errands: Errands, report: Callable[[BaseException, dict[str, Any]], None]
    ) -> None:
        self._host = host
        self._errands = errands
        self._report = report
        self._readers: list[_Reader] = []
        self._lock = threading.Lock()

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._host.settled_handlers)

    def tell(self, settled: Iterable[tuple[Taken, Fate]]) -> None:
        """Tell of *settled*, which Redis has confirmed. Waits for nothing, and never raises."""
        handlers = self._host.settled_handlers
        if not handlers:
            return
        batch = [settled_of(taken, fate) for taken, fate in settled]
        if not batch:
            return
        with self._lock:
            known = [reader.handler for reader in self._readers]
            fresh = [one for one in handlers if one not in known]
            self._readers += [_Reader(one, self._errands, self._failed) for one in fresh]
            for reader in self._readers:
                reader.add(batch)

    def _failed(self, error: BaseException) -> None:
        self._report(error, {"event": "settled"})
