"""The schedule of an app: ``beat_schedule`` and ``add_periodic_task``, on kiq's periodic jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigError
from ...plugins.declared.periodic import in_code, periodic
from .canvas import Signature, plain
from .schedules import of

_KEYS = {"task", "schedule", "args", "kwargs", "options", "relative", "name"}
_OPTIONS = {"queue"}


@dataclass(frozen=True)
class Entry:
    """One entry: which *task* runs by which *schedule* (a crontab or a schedule)."""

    name: str
    task: str
    schedule: Any
    args: Any
    kwargs: Mapping[str, Any]
    queue: str | None


class Entries:
    """The entries of one app. *find* returns the task of a name; *zone* that of crontabs."""

    def __init__(self, find: Callable[[str], Any], zone: Callable[[], str]) -> None:
        self._find, self._zone = find, zone
        self._entries: dict[str, Entry] = {}

    def add(
        self, when: Any, sig: Any, args: Any, kwargs: Any, name: str | None, options: dict[str, Any]
    ) -> str:
        """Add one; return its name. Raises ConfigError."""
        if isinstance(sig, Signature):
            args, kwargs = [*(args or ()), *sig["args"]], {**sig["kwargs"], **(kwargs or {})}
            options = {**sig["options"], **options}
        task = sig["task"] if isinstance(sig, Signature) else sig.name
        shown = ", ".join(map(repr, args or ()))
        called = name or f"{task}({shown})"
        given = {"task": task, "schedule": when, "args": args, "kwargs": kwargs, "options": options}
        self._entries[called] = _entry(called, given)
        return called

    def take(self, given: Mapping[str, Any]) -> None:
        """Take those of ``beat_schedule``."""
        self._entries.update((name, _entry(name, each)) for name, each in given.items())

    def declare(self) -> int:
        """Declare them to kiq, as all tasks are known; return how many. Raises ConfigError."""
        for one in self._entries.values():
            in_code.pop(one.name, None)
            periodic(
                name=one.name,
                args=plain(list(one.args)),
                kwargs=plain(dict(one.kwargs)),
                queue=one.queue,
                timezone=self._zone(),
                **one.schedule.written,
            )(self._find(one.task))
        return len(self._entries)


def _entry(name: str, given: Mapping[str, Any]) -> Entry:
    unknown = set(given) - _KEYS
    if unknown or "task" not in given or "schedule" not in given:
        raise ConfigError(
            f"the entry {name!r} of the schedule has task, schedule, args, kwargs, options"
        )
    if given.get("relative"):
        raise ConfigError(
            f"the entry {name!r} is relative: intervals stand on the clock here, not on when a process "
            "was started"
        )
    options = {
        key: value for key, value in (given.get("options") or {}).items() if value is not None
    }
    if set(options) - _OPTIONS:
        raise ConfigError(
            f"the entry {name!r} has options {sorted(set(options) - _OPTIONS)}: give them to the task, "
            "and here the queue alone"
        )
    args, kwargs = given.get("args") or (), given.get("kwargs") or {}
    return Entry(name, given["task"], of(given["schedule"]), args, kwargs, options.get("queue"))
