"""Metrics for Prometheus, at ``/metrics`` of :mod:`kiq.health`: the plugin. See docs/metrics.md.

It reports what the metrics of job classes have counted anyway, every two seconds: a job costs nothing more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ...errors import ConfigError
from ...health.reports import Outlet, Together
from ...plugin import Host
from ...plugins.metrics.layer import Measuring, tally_of
from ...plugins.metrics.tally import Tally
from ...process import WorkerProcess
from .writing import Writer

try:
    from .families import exposition
except ModuleNotFoundError as error:
    raise ConfigError(
        f"the plugin prometheus needs {error.name}: pip install 'kiq[prometheus]'"
    ) from error

__all__ = ["Prometheus"]


class Prometheus:
    """The plugin. It does nothing in a worker of which nobody asks metrics."""

    name = "prometheus"

    def __init__(self) -> None:
        self._died: Counter[str] = Counter()
        self._measures = False

    def install(self, host: Host) -> None:
        """Attach a service to each worker, and measure where nobody else does."""
        self._measures = "metrics" not in host.plugins
        if self._measures:
            host.server_middleware.prepend(Measuring())
        host.death_handlers.append(self._note_death)
        host.services.append(self._serve)

    def exposition(self, found: Together, own: Mapping[str, float]) -> tuple[str, bytes]:
        """Return *found* as Prometheus reads it, and the type of that."""
        return exposition(found, own)

    def _note_death(self, payload: dict[str, Any], _error: BaseException) -> None:
        self._died[str(payload.get("wrapped") or payload.get("class"))] += 1

    def _serve(self, process: WorkerProcess) -> Writer | None:
        outlet = process.state.of(Outlet)
        if outlet is None:
            return None
        tally: Tally = tally_of(process.state)
        tally.keep_totals()
        return Writer(process, outlet, tally, self._died, alone=self._measures)
