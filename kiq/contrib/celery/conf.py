"""``app.conf``: the settings that mean something here; others are refused, with what to write."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from ...errors import ConfigError
from .settings import ELSEWHERE, HARMLESS, ONLY, TAKEN, known_as

_CLOSE = 0.9  # how much alike names must be, of 1


class Conf:
    """The settings of an app, by attribute or by key. *changed* is called when one was set.

    Raises ConfigError for what is no setting of Celery's, or has no counterpart.
    """

    def __init__(self, changed: Callable[[str], None]) -> None:
        object.__setattr__(self, "_given", {})
        object.__setattr__(self, "_changed", changed)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        name = known_as(name)
        given: dict[str, Any] = object.__getattribute__(self, "_given")
        if name in given:
            return given[name]
        if name in TAKEN:
            return TAKEN[name]
        if name in ONLY:
            return ONLY[name][0]
        raise AttributeError(f"app.conf has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self.update({name: value})

    __getitem__ = __getattr__
    __setitem__ = __setattr__

    def __contains__(self, name: str) -> bool:
        return known_as(name) in self._given

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or *default*."""
        return getattr(self, name, default)

    def update(self, given: Mapping[str, Any] | None = None, **named: Any) -> None:
        """Set several."""
        for name, value in {**(given or {}), **named}.items():
            short = known_as(name)
            check(short, value)
            self._given[short] = value
            self._changed(short)


def check(name: str, value: Any) -> None:
    """Raise ConfigError where the setting *name* can't be *value* here."""
    if name in TAKEN or name in HARMLESS:
        return
    if name in ONLY:
        allowed, why = ONLY[name]
        if value not in (allowed, None):
            raise ConfigError(f"{name} can't be {value!r} here: {why}")
        return
    near = difflib.get_close_matches(name, [*TAKEN, *HARMLESS, *ONLY], 1, _CLOSE)
    if near and name not in ELSEWHERE:
        raise ConfigError(f"{name} is no setting of Celery's; did you mean {near[0]!r}?")
    for pattern, why in ELSEWHERE.items():
        if fnmatch.fnmatchcase(name, pattern):
            raise ConfigError(f"{name} does nothing in kiq: {why}")
    raise ConfigError(f"{name} is no setting of Celery's (docs/celery.md)")


def zone(conf: Conf) -> ZoneInfo:
    """Return the time zone of crontabs, and of moments that name none."""
    return ZoneInfo(conf.timezone or "UTC")


def route_of(conf: Conf, name: str) -> dict[str, Any]:
    """Return the options that ``task_routes`` has for the task *name*, by its first pattern that fits."""
    routes = conf.task_routes or {}
    for one in routes if isinstance(routes, list | tuple) else [routes]:
        if callable(one):
            raise ConfigError(
                "a function in task_routes is not here: write patterns, or give apply_async a queue"
            )
        pairs = one.items() if isinstance(one, Mapping) else [one]
        for pattern, target in pairs:
            if _fits(pattern, name):
                return _target(target)
    return {}


def annotations_of(conf: Conf, name: str) -> dict[str, Any]:
    """Return the attributes that ``task_annotations`` gives the task *name*."""
    given = conf.task_annotations or {}
    found: dict[str, Any] = {}
    for one in given if isinstance(given, list | tuple) else [given]:
        if not isinstance(one, Mapping):
            raise ConfigError(f"task_annotations are mappings here, not {one!r}")
        found |= {**one.get("*", {}), **one.get(name, {})}
    return found


def _fits(pattern: Any, name: str) -> bool:
    if isinstance(pattern, re.Pattern):
        return pattern.match(name) is not None
    return fnmatch.fnmatchcase(name, pattern)


def _target(given: Any) -> dict[str, Any]:
    found = {"queue": given} if isinstance(given, str) else dict(given)
    if "routing_key" in found and "queue" not in found:
        raise ConfigError("a route names a queue here: there are no exchanges and routing keys")
    return {key: value for key, value in found.items() if key in ("queue", "priority")}
