"""The plugin: what a push is asked, what is let go with a job, and what stands around its run."""

from __future__ import annotations

from ... import plugin
from ...plugin import Host
from .checking import check
from .guarding import unique_guard
from .leaving import Leavings
from .starting import AsyncStarts, Starts, ask_by
from .sweep import Sweep


class UniqueJobs:
    """The plugin. Jobs that are not unique cost nothing."""

    name = "unique"

    def install(self, host: Host) -> None:
        """Attach guard, rider, layers, and what is verified."""
        starts = Starts()
        host.services += [ask_by, Sweep]
        host.guard(unique_guard())
        host.checks.append(check())
        host.ride(Leavings(starts.parked).rider())
        host.around_perform(starts)
        host.around_perform(AsyncStarts(starts).layer())


def attach() -> None:
    """Let pushes of this process be asked, from the first job class or push on that is unique."""
    if UniqueJobs.name not in plugin.host.plugins:
        plugin.host.install(UniqueJobs())
