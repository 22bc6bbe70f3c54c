"""The plugin: what a worker needs for jobs in the manner of Delayed Job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...features import Feature, declare
from ...plugin import Host
from ..application import found_in_it
from . import custom, methods, retrying

_DIED = "kiq.PoisonPill"  # as failed jobs say it, of one that no run could end


class DelayedJobs:
    """The plugin ``delayed``. It is made when the application is imported, and finds its custom jobs.

    Raises ConfigError, or NotDelayable, for classes that can't be.
    """

    name = "delayed"

    def __init__(self) -> None:
        for cls in classes():
            custom.of(cls)

    def install(self, host: Host) -> None:
        """Attach what tells ``failure`` of jobs whose process died at each attempt."""
        host.on_death(_died)


def classes() -> list[type]:
    """Return the custom jobs at the top of the application's modules, by their form."""
    return list(dict.fromkeys(each for each in found_in_it() if custom.is_one(each)))


def _died(payload: dict[str, Any], error: BaseException) -> None:
    name = payload.get("class")
    known = custom.called(name) if isinstance(name, str) else None
    if known is not None and payload.get("error_class") == _DIED:
        retrying.given_up(payload, error, known.made)


@dataclass(frozen=True, slots=True)
class DelayedSettings:
    """There are none in files: ``delayed.worker`` has them."""


def _wanted(_settings: DelayedSettings) -> bool:
    return methods.any_there() or custom.any_there() or bool(classes())


declare(
    Feature(
        "delayed",
        settings=DelayedSettings,
        plugin="kiq.contrib.delayed.plugin:DelayedJobs",
        wanted=_wanted,
    )
)
