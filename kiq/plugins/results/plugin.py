"""The plugin: what jobs come to is kept where they ask for it."""

from __future__ import annotations

from ... import plugin
from ...plugin import Host
from .leaving import rider
from .running import Runs, serve


class ResultsPlugin:
    """The plugin. A job without ``result_ttl`` costs nothing."""

    name = "results"

    def install(self, host: Host) -> None:
        """Attach the layer, the rider, and what writes progress."""
        host.services.append(serve)
        host.around_perform(Runs())
        host.ride(rider())


def attach() -> None:
    """Have it done in this process, from the first job class or push on that wants its result."""
    if ResultsPlugin.name not in plugin.host.plugins:
        plugin.host.install(ResultsPlugin())
