"""What is answered at ``/metrics``: as a plugin writes it, and nothing where there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from ..clock import steady
from ..plugin import Host
from .http import Answer, said
from .reports import Together

logger = logging.getLogger("kiq.health")

_KEPT = 1.0  # seconds: several who scrape at a time cost as much as one


@runtime_checkable
class Exposing(Protocol):
    """A plugin that writes metrics."""

    def exposition(self, found: Together, own: Mapping[str, float]) -> tuple[str, bytes]:
        """Return the type of what is written, and that. *own* are numbers of who is asked itself."""


def exposing(host: Host) -> Exposing | None:
    """Return the plugin of *host* that writes metrics, if there is one."""
    return next((one for one in host.plugins.values() if isinstance(one, Exposing)), None)


class Metrics:
    """Answers with what *plugin* makes of *collect*'s numbers. Threads: one."""

    def __init__(
        self,
        plugin: Exposing,
        collect: Callable[[], tuple[Together, Mapping[str, float]]],
    ) -> None:
        self._plugin = plugin
        self._collect = collect
        self._answer: Answer | None = None
        self._made_at = 0.0
        self._failed = False

    def __call__(self) -> Answer:
        """Return the answer of this moment, or of the second before."""
        now = steady()
        if self._answer is None or now - self._made_at >= _KEPT:
            self._answer, self._made_at = self._made(), now
        return self._answer

    def _made(self) -> Answer:
        try:
            kind, body = self._plugin.exposition(*self._collect())
            return Answer(200, body, kind)
        except Exception as error:
            if not self._failed:
                logger.error("metrics can't be written: %r", error, exc_info=error)
            self._failed = True
            return said(500, f"metrics can't be written: {error!r}")
