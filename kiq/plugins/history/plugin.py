"""The plugin: notes what runs took and logged, and writes that with what settles their jobs."""

from __future__ import annotations

from ... import plugin
from ...plugin import Host
from .layers import Logged, Timed
from .riding import Riders
from .runs import Runs


class History:
    """Keeps attempts of jobs that ask for it; other jobs cost nothing."""

    name = "history"

    def install(self, host: Host) -> None:
        """Attach layers, which stand around all others, and riders."""
        runs = Runs()
        host.server_middleware.prepend(Timed(runs))
        host.server_middleware.prepend(Logged(runs))
        for rider in Riders(runs).riders():
            host.ride(rider)


def attach() -> None:
    """Let this process keep history, from the first job class or push on that asks for it."""
    if History.name not in plugin.host.plugins:
        plugin.host.install(History())
