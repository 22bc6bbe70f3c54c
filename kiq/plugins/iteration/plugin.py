"""The plugin: tells iterable jobs where their worker keeps state, and how long one run may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...api.connection import Connection
from ...plugin import Host


@dataclass(frozen=True, slots=True)
class Home:
    """What iterable jobs need to know of their worker process; times are in seconds."""

    connection: Connection
    max_runtime: float | None
    shutdown_timeout: float


class _Present:
    """The worker of this process, while there is one."""

    def __init__(self) -> None:
        self.home: Home | None = None


_present = _Present()


def home() -> Home | None:
    """Return the worker of this process, or None where none runs (``perform_inline``, tests)."""
    return _present.home


def settle(place: Home | None) -> None:
    """Make *place* what iterable jobs of this process know of it; None ends that."""
    _present.home = place


class IterationPlugin:
    """Gives iterable jobs their state in the Redis of the worker."""

    name = "iteration"

    def install(self, host: Host) -> None:
        """Attach to *host*; where no job is iterable nothing is done."""
        host.services.append(_Service)
        host.events.on("exit", lambda: settle(None))


class _Service:
    """No thread: it is made with the worker, before the first job runs."""

    def __init__(self, worker: Any) -> None:
        limit, timeout = worker.config.max_iteration_runtime, worker.config.shutdown_timeout
        settle(Home(Connection(worker.connector), limit or None, timeout))

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Not yet: running jobs save their state at the shutdown."""
