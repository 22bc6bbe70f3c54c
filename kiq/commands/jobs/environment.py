"""The variables that ``rake jobs:work`` reads, in terms of ``kiq run``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: What does nothing here, and why.
WITHOUT_EFFECT = {
    "MIN_PRIORITY": "a worker takes all priorities of its queues; a queue of its own is what is apart",
    "MAX_PRIORITY": "a worker takes all priorities of its queues; a queue of its own is what is apart",
    "SLEEP_DELAY": "an idle worker is woken by the push",
    "READ_AHEAD": "a worker takes as many jobs as it can start",
}
#: All queues, also those that come.
ALL = "*"
_SPECIAL = frozenset("*?[!")


@dataclass(frozen=True, slots=True)
class Start:
    """How a worker is to be started: *flags* of ``kiq run``, *variables* of kiq's, *notices* for people."""

    flags: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def start_of(environ: Mapping[str, str], given_flags: Sequence[str] = ()) -> Start:
    """Return how to start a worker: QUEUES or QUEUE, names and patterns; without, all queues.

    Where *given_flags* name queues, those alone are meant, or those besides.
    """
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    names = split(given.get("QUEUES") or given.get("QUEUE") or "")
    start = Start()
    if names or not any(map(_names_queue, given_flags)):
        _add_queues(start, names)
    if given.get("QUIET", "").lower() in ("1", "true", "yes", "on"):
        start.variables["KIQ_LOG_LEVEL"] = "warning"
    found = [name for name in WITHOUT_EFFECT if name in given]
    start.notices.extend(f"{name} does nothing: {WITHOUT_EFFECT[name]}" for name in found)
    return start


def split(written: str) -> list[str]:
    """Return the names in a list between commas, each once."""
    return list(dict.fromkeys(filter(None, (part.strip() for part in written.split(",")))))


def has_patterns(names: Sequence[str]) -> bool:
    """Tell whether *names* mean other queues as these come: none at all means all."""
    return not names or any(not _SPECIAL.isdisjoint(name) for name in names)


def _names_queue(flag: str) -> bool:
    return flag == "--queue" or flag.startswith(("--queue=", "-q"))


def _add_queues(start: Start, names: Sequence[str]) -> None:
    # Of equal weight: Delayed Job knows no order between queues.
    if has_patterns(names):
        start.flags.extend(("-q", "default,1"))
        start.variables["KIQ_RESQUE_QUEUES"] = ",".join(names or (ALL,))
        return
    for name in names:
        start.flags.extend(("-q", f"{name},1"))
