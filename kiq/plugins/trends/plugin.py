"""The plugin: with each beat a worker says what it took of its queues, and one of them notes the moment."""

from __future__ import annotations

import logging
import threading
from importlib import resources
from time import monotonic

from ... import keys as core
from ...errors import StoreError, StoreUnavailable
from ...plugin import Host
from ...process import WorkerProcess
from ...store.scripts import Command
from . import keys

logger = logging.getLogger("kiq.trends")

_SCRIPT = (resources.files("kiq.plugins.trends") / "note.lua").read_text("utf-8")
_LEAST = 2.0  # seconds between two writes: with a short lease beats come more often
_LONGEST = 2.0  # seconds that Redis may take to answer
_MOST_QUEUES = 2_000  # of a moment: reading so many sizes holds Redis up for a millisecond


class TrendsPlugin:
    """Counts what comes to queues and leaves them; see docs/operations.md. No job pays for it."""

    name = "trends"

    def install(self, host: Host) -> None:
        """Hear of beats and of the end."""
        host.services.append(Counting)


class Counting:
    """Tells Redis what one worker took. Threads: those of the handlers, one at a time."""

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._link = process.connector.open(timeout=min(_LONGEST, process.config.lease / 6))
        self._lock = threading.Lock()
        self._told: dict[str, int] = {}
        self._at = float("-inf")
        self._refused = False

    def beat(self) -> None:
        """Tell, unless that was done just now."""
        if monotonic() - self._at >= _LEAST:
            self._tell()

    def exit(self) -> None:
        """Tell for the last time."""
        self._tell()
        self._link.close()

    def start(self) -> None:
        """Do nothing: the beats do it."""

    def stop(self) -> None:
        """Do nothing yet: the end is ``exit``."""

    def _tell(self) -> None:
        with self._lock:
            self._at = monotonic()
            if self._refused:
                return
            taken = dict(self._process.taken())
            fresh = {name: count - self._told.get(name, 0) for name, count in taken.items()}
            # Before it is sent: what may have arrived is not told again. Some may be missing, then.
            self._told = taken
            try:
                self._link.call(_command({name: count for name, count in fresh.items() if count}))
            except StoreUnavailable as error:
                self._link.close()
                logger.debug("could not tell what was taken: %s", error)
            except StoreError as error:
                self._refused = True
                logger.info("no trends of queues are kept: Redis refuses (%s)", error)


def _command(fresh: dict[str, int]) -> Command:
    names = (
        *(keys.TAKEN, keys.TREND, core.QUEUES),
        *(core.STAT_PROCESSED, core.STAT_FAILED, core.queue("")),
    )
    counts = [part for pair in fresh.items() for part in pair]
    settings = (keys.STEP, keys.MOMENTS, keys.LIFE, _MOST_QUEUES)
    return ("EVAL", _SCRIPT, len(names), *names, *settings, *counts)
