"""The plugin: what a batch hears of its jobs."""

from __future__ import annotations

from ... import plugin
from ...plugin import Host
from .checks import check
from .leaving import rider
from .sweep import Sweep


class Batches:
    """The plugin. Jobs of no batch cost nothing."""

    name = "batches"

    def install(self, host: Host) -> None:
        """Attach the rider, the sweep, and what ``kiq verify`` asks."""
        host.ride(rider())
        host.services.append(Sweep)
        host.checks.append(check())


def attach() -> None:
    """Let batches hear of what this process deletes and kills, from its first batch on."""
    if Batches.name not in plugin.host.plugins:
        plugin.host.install(Batches())
