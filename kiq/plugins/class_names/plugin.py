"""The plugin: a process shows a digest of its class names, and keeps the names for all of its release."""

from __future__ import annotations

import hashlib
import logging

from ...clock import steady
from ...errors import StoreError
from ...plugin import Host
from ...process import WorkerProcess
from . import keys

logger = logging.getLogger("kiq.class_names")

_EACH = 21_600.0  # seconds between two writes
_SOON = 60.0  # seconds until one that failed is tried again
_MOST = 10_000  # names: more are not told


class ClassNames:
    """The plugin. A write when a worker starts, and every six hours; no job pays for it."""

    name = "class_names"

    def install(self, host: Host) -> None:
        """Attach to *host*."""
        host.services.append(_Telling)


class _Telling:
    """Tells the names of one worker. Threads: those of the handlers, one at a time."""

    def __init__(self, process: WorkerProcess) -> None:
        self._link = process.connector.open(timeout=2.0)
        specs = process.registry.all()
        self._names = sorted({name for spec in specs for name in (spec.name, *spec.aliases)})
        text = "\n".join(self._names).encode("utf-8", "backslashreplace")
        self._digest = hashlib.sha256(text).hexdigest()[:12]
        self._next = 0.0
        if self._names and len(self._names) <= _MOST:
            process.state.info[keys.FIELD] = self._digest

    def start(self) -> None:
        """Do nothing: the first beat does it."""

    def stop(self) -> None:
        """Do nothing: its jobs may still run."""

    def beat(self) -> None:
        """Tell, unless that was done of late. What fails is tried again at a later beat."""
        if steady() < self._next or not 0 < len(self._names) <= _MOST:
            return
        self._next = steady() + _EACH
        name = keys.names(self._digest)
        try:
            self._link.exchange([("SADD", name, *self._names), ("EXPIRE", name, keys.LIFE)])
        except StoreError as error:
            self._next = steady() + _SOON
            self._link.close()
            logger.debug("could not tell which job classes are known: %s", error)

    def exit(self) -> None:
        """Close the connection."""
        self._link.close()
