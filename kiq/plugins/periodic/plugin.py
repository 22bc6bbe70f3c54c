"""The plugin: offers the entries of a process, and ticks in the one that has the duty."""

from __future__ import annotations

import logging

from ...clock import steady
from ...errors import StoreError
from ...plugin import Host
from ...process import WorkerProcess
from . import keys
from .checking import check
from .offering import Offering
from .pieces import run_rider
from .ticker import Ticker

logger = logging.getLogger("kiq.periodic")

_OFFER = 15.0  # seconds between two offers


class Periodic:
    """Runs periodic jobs; see docs/periodic.md."""

    name = "periodic"

    def install(self, host: Host) -> None:
        """Attach the service, what hears that a run is over, and what is verified."""
        host.ride(run_rider())
        host.checks.append(check())
        host.services.append(lambda process: Service(process, host))


class Service:
    """What one worker process does for it.

    Threads: the ticker has its duty's; at beats those of the handlers offer.
    """

    def __init__(self, process: WorkerProcess, host: Host) -> None:
        self._offering = Offering(process.config)
        self._link = process.connector.open()
        self._offered_at = float("-inf")
        self.ticker = Ticker(process, host)
        close = self.ticker.close
        self.loop = process.duty("periodic", self._tick, lost=close, leave=close)
        self.beat()

    def start(self) -> None:
        """Begin to stand for election."""
        self.loop.start()

    def stop(self) -> None:
        """Leave the duty to another process."""
        self.loop.stop()

    def beat(self) -> None:
        """Offer the entries, unless that was done just now; without Redis, at another beat."""
        if steady() - self._offered_at < _OFFER:
            return
        try:
            self._offering.offer(self._link.call)
            self._offered_at = steady()
        except StoreError as error:
            self._link.close()
            logger.debug("periodic jobs can't be offered yet: %s", error)

    def exit(self) -> None:
        """Close the connection."""
        self._link.close()

    def _tick(self) -> float:
        self.loop.listen(keys.BELL)
        return self.ticker.tick(woken=self.loop.woken)
