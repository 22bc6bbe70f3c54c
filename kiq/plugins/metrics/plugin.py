"""The plugin: measures each run, and writes what was measured once per beat and at the end."""

from __future__ import annotations

import logging
import threading
from time import monotonic

from ...errors import StoreError
from ...plugin import Host
from ...process import WorkerProcess
from ...store.connection import Link
from ...store.scripts import Command
from .batches import Batches
from .layer import Measuring, tally_of

logger = logging.getLogger("kiq.metrics")

_LEAST = 2.0  # seconds between two flushes: with a short lease beats come more often
_LONGEST = 2.0  # seconds that Redis may take to answer
_AT_THE_END = 1.0  # seconds from the last flush on in which a broken one is tried again
_TRIES = 5


class Metrics:
    """Counts, failures, run times and queue times of each job class; see docs/metrics.md."""

    name = "metrics"

    def install(self, host: Host) -> None:
        """Become the outermost layer, and hear of beats and of the end."""
        host.server_middleware.prepend(Measuring())
        host.services.append(Writer)


class Writer:
    """Writes what was measured in one worker.

    Threads: any run jobs; those of the handlers write, at a beat and at the end.
    """

    def __init__(self, process: WorkerProcess) -> None:
        config = process.config
        self.tally = tally_of(process.state)
        self._lock = threading.Lock()
        self._link = process.connector.open(timeout=min(_LONGEST, config.lease / 6))
        self._batches = Batches(process.identity, config.sidekiq)
        self._outage = process.outage("metrics")
        self._owed: list[Command] = []
        self._flushed_at = float("-inf")
        self._complained = False

    def beat(self) -> None:
        """Write, unless that was done just now."""
        if monotonic() - self._flushed_at >= _LEAST:
            self.flush()

    def flush(self) -> bool:
        """Write what was measured; False when Redis does not take it: it is kept, and written later."""
        with self._lock:
            self._flushed_at = monotonic()
            try:
                self._send(self._link)
                self._outage.over()
            except StoreError as error:
                self._link.close()
                self._outage.failed(error)
                return False
            return True

    def exit(self) -> None:
        """Write, again if the connection broke: there is no beat to come that would do it."""
        until = monotonic() + _AT_THE_END
        for _ in range(_TRIES):
            if self.flush() or monotonic() > until:
                return

    def start(self) -> None:
        """Do nothing: the beats do it."""

    def stop(self) -> None:
        """Do nothing yet: jobs may still be running. The end is ``exit``."""

    def _send(self, link: Link) -> None:
        self._send_owed(link)
        self._owed = self._batches.commands(self.tally.take())
        self._send_owed(link)

    def _send_owed(self, link: Link) -> None:
        while self._owed:
            # One by one: a batch that was refused is not to be overtaken by one with a higher number.
            try:
                refused = link.call(self._owed[0])
            except StoreError as error:
                if type(error) is StoreError:
                    del self._owed[
                        0
                    ]  # no outage, nor anything that passes: it would be refused again
                raise
            del self._owed[0]
            if refused > 0 and not self._complained:
                self._complained = True
                logger.warning(
                    "metrics: Redis refused to count in %d places: a key of another type is where "
                    "the numbers of this minute go (j|..., h|... or kiq:waits|...)",
                    refused,
                )
