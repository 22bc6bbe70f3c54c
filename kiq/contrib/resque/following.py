"""The service that takes from the queues that patterns mean, as they appear."""

from __future__ import annotations

import logging

from ...errors import StoreError
from ...keys import QUEUES, queue_and_band
from ...plugin import Service
from ...process import WorkerProcess
from .patterns import chosen, is_dynamic, split
from .settings import ResqueSettings

logger = logging.getLogger("kiq.resque")

_LOOK = 1.0  # seconds between two looks at which queues there are


def service(process: WorkerProcess) -> Service | None:
    """Let *process* take from the queues of its settings; return what looks for more, if there may be."""
    patterns = split(process.config.of(ResqueSettings).queues)
    if not patterns:
        return None
    if not is_dynamic(patterns):
        process.take_from(patterns)
        return None
    return Following(process, patterns)


class Following:
    """Looks which queues there are, and takes from those that the patterns mean.

    Threads: its loop's; it is made before any job runs, so that the first fetch is right.
    """

    def __init__(self, process: WorkerProcess, patterns: tuple[str, ...]) -> None:
        self._process, self._patterns = process, patterns
        self._link = process.connector.open()
        #: Queues of classes that are known here: taken before anybody has pushed to them.
        self._own = {str(spec.options["queue"]) for spec in process.registry.all()}
        self._taken: list[str] = []
        close = self._link.close
        self._loop = process.loop("resque-queues", self._look, lost=close, leave=close)
        try:
            self._look()
        except StoreError as error:
            self._link.close()
            logger.debug("which queues there are can't be seen yet: %s", error)
            self._take(self._own)

    def start(self) -> None:
        """Begin to look."""
        self._loop.start()

    def stop(self) -> None:
        """End."""
        self._loop.stop()

    def _look(self) -> float:
        """One round trip."""
        lists = (name.decode(errors="replace") for name in self._link.call(("SMEMBERS", QUEUES)))
        self._take({queue_and_band(name)[0] for name in lists} | self._own)
        return _LOOK

    def _take(self, known: set[str]) -> None:
        names = chosen(self._patterns, known)
        if names == self._taken:
            return
        self._process.take_from(names)
        if self._taken:
            logger.info("takes from: %s", ", ".join(names))
        self._taken = names
