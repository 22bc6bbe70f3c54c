"""The plugin: tells iterable jobs where their worker keeps state, and how long one run may take."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1

from ...api.home import Connection
from ...clock import steady
from ...errors import StoreDenied, StoreError, StoreUnavailable
from ...plugin import Host
from ...process import WorkerProcess
from ...store.link_pool import LinkPool
from ..declared import IterationSettings
from .keeper import drop_ended

logger = logging.getLogger("kiq.iteration")

_SOON = 60.0  # seconds until it is tried again
_EACH = 3600.0  # seconds between two looks for states that are kept no longer


@dataclass(frozen=True, slots=True)
class Home:
    """What iterable jobs need to know of their worker process; times are in seconds."""

    connection: Connection
    max_runtime: float | None
    shutdown_timeout: float
    #: Return the digest of the job that this thread runs, if it was in flight when a process died.
    suspect: Callable[[], str] = lambda: ""


class IterationPlugin:
    """Gives iterable jobs their state in the Redis of the worker."""

    name = "iteration"

    def install(self, host: Host) -> None:
        """Attach to *host*."""
        host.services.append(_Service)


class _Service:
    """Tells the jobs of its worker, before the first one runs, and tidies."""

    def __init__(self, process: WorkerProcess) -> None:
        config = process.config
        limit = config.of(IterationSettings).max_iteration_runtime or None
        self._connection = Connection(LinkPool(process.connector))
        self._next_drop = 0.0
        process.state.keep(
            Home(self._connection, limit, config.shutdown_timeout, lambda: _suspect(process))
        )

    def start(self) -> None:
        """Do nothing: jobs ask, and beats tidy."""

    def stop(self) -> None:
        """Do nothing: jobs that run are to keep their state."""

    def beat(self) -> None:
        """Drop the states of jobs that are over for long, each hour."""
        if steady() < self._next_drop:
            return
        self._next_drop = steady() + _EACH
        try:
            drop_ended(self._connection)
        except (StoreUnavailable, StoreDenied):
            self._next_drop = steady() + _SOON  # the worker's other parts say what is wrong
        except StoreError as error:
            logger.warning("states of iterations that are over could not be dropped: %s", error)


def _suspect(process: WorkerProcess) -> str:
    mine = threading.get_ident()
    taken = next((one.current for one in process.threads() if one.thread.ident == mine), None)
    suspected = taken is not None and taken.suspicion
    return sha1(taken.raw, usedforsecurity=False).hexdigest() if taken and suspected else ""
