"""The section ``resque`` of the file: queues by pattern, and a static schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ...features import Feature, Named, declare
from .finding import classes
from .job_classes import known_classes
from .schedule_entry import Entry, entry_of

#: Entries of a static schedule, by name, that code has given: declared when all classes are known.
static: dict[str, Entry] = {}


@dataclass(frozen=True, slots=True)
class ResqueSettings:
    """*queues* are names and patterns, in order; *schedule* are entries by name.

    More of them are in *schedule_file*, as resque-scheduler has it. With *signals* a worker heeds those
    of Resque.
    """

    queues: tuple[str, ...] = ()
    schedule: Annotated[dict[str, Entry] | None, Named(entry_of)] = None
    schedule_file: str = ""
    signals: bool = False


def _wanted(found: ResqueSettings) -> bool:
    return found != ResqueSettings() or bool(static or known_classes() or classes())


declare(
    Feature(
        "resque",
        settings=ResqueSettings,
        plugin="kiq.contrib.resque.plugin:Resque",
        wanted=_wanted,
    )
)
