"""The plugin: what is written down at a push, what is asked at a start, what is let go with a job."""

from __future__ import annotations

from typing import Any

from ... import plugin
from ...plugin import Guard, Host
from .checking import check
from .leaving import Leavings
from .naming import FIELD, stamp
from .starting import AsyncStarts, Starts, ask_by
from .sweep import Sweep


class Limits:
    """The plugin. Jobs without a limit cost nothing."""

    name = "limits"

    def install(self, host: Host) -> None:
        """Attach rider and layers, and what names the limits of a job when it is pushed."""
        starts = Starts()
        host.checks.append(check())
        host.services += [ask_by, Sweep]
        naming = Guard(
            "limits", guarding=_nothing, check="return nil", stamp=stamp, payload_field=FIELD
        )
        host.guard(naming)
        host.ride(Leavings(starts.partings).rider())
        host.around_perform(starts)
        host.around_perform(AsyncStarts(starts).layer())


def attach() -> None:
    """Let pushes of this process name their limits, from the first job class or push on that has one."""
    if Limits.name not in plugin.host.plugins:
        plugin.host.install(Limits())


def _nothing(_payload: dict[str, Any]) -> None:
    return None
