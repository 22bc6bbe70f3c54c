"""The plugin: what a worker needs for tasks in the manner of Celery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...boot import plugin_of
from ...features import Feature, declare
from ...plugin import Host
from . import current
from .signals import EVENTS, Signal

_PERIODIC = "kiq.plugins.periodic.plugin:Periodic"


class CeleryTasks:
    """The plugin ``celery``. It is made when the application has been imported, and knows its apps then.

    Raises ConfigError for entries of a schedule that can't be.
    """

    name = "celery"

    def __init__(self) -> None:
        apps = list(dict.fromkeys(current.apps))
        for app in apps:
            app.finalize()
        self._scheduled = sum(app.entries.declare() for app in apps)

    def install(self, host: Host) -> None:
        """Attach the schedule, and the signals of a worker."""
        if self._scheduled:
            host.install(plugin_of(_PERIODIC))
        for event, signals in EVENTS.items():
            for signal in signals:
                host.on(event)(_sending(signal))


def _sending(signal: Signal) -> Callable[[], None]:
    def send() -> None:
        signal.send(None)

    return send


@dataclass(frozen=True, slots=True)
class CelerySettings:
    """There are none: an app has its own."""


def _wanted(_settings: CelerySettings) -> bool:
    return bool(current.apps or current.shared)


declare(
    Feature(
        "celery",
        settings=CelerySettings,
        plugin="kiq.contrib.celery.plugin:CeleryTasks",
        wanted=_wanted,
    )
)
