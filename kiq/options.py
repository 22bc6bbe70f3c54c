"""The options of a job class, and of one push."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypedDict

from . import features, priority
from .config import check_queue_name
from .errors import ConfigError

_LONGEST_WINDOW = 1_000_000_000  # seconds; above it Sidekiq takes the number for a date


class PushOptions(TypedDict, total=False):
    """What the job path itself knows of the options of one push; features have more."""

    queue: str
    retry: bool | int
    retry_for: float | timedelta
    retry_queue: str | None
    dead: bool
    backtrace: bool | int
    tags: Sequence[str]
    priority: Literal["high", "normal", "low"] | int | None


class ClassOptions(TypedDict, total=False):
    """Options that say how the class is known; they don't travel with a job."""

    name: str
    aliases: Sequence[str]


CLASS_ONLY = frozenset(ClassOptions.__annotations__)
DEFAULTS: Mapping[str, Any] = {"retry": True, "queue": "default"}


def checked(owner: str, options: Mapping[str, Any], *, but: Collection[str] = ()) -> dict[str, Any]:
    """Return *options* in the form that a payload has; *owner* is named in errors.

    Raises ConfigError, which suggests the near miss, for an unknown name (or one of *but*), or a value
    that can't be.
    """
    result: dict[str, Any] = {}
    for name, value in options.items():
        if name not in features.options():
            features.load()
        there = features.options().keys() - set(but)
        if name not in there:
            raise ConfigError(f"{owner}: unknown option {name!r}{_suggestion(name, sorted(there))}")
        try:
            result[name] = features.options()[name](value)
        except ValueError as error:
            colon = "" if str(error).startswith("must ") else ":"
            raise ConfigError(f"{owner}: {name}{colon} {error}") from None
    return result


def _suggestion(name: str, there: Collection[str]) -> str:
    # By name: who makes no mistake does without.
    if here := importlib.import_module("kiq.advice.others").of_option(name):
        return str(here)
    near = difflib.get_close_matches(name, there, 1)
    return f"; did you mean {near[0]!r}?" if near else f" (there are: {', '.join(there)})"


def string(value: Any) -> str:
    """Return *value*, a string."""
    return str(_instance(value, str, "a string"))


def seconds(value: Any) -> float:
    """Return the seconds of *value*, a number or a timedelta: a span of time."""
    span = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(span, bool) or not isinstance(span, int | float):
        raise ValueError(f"must be seconds or a timedelta, not {value!r}")
    if not 0 < span <= _LONGEST_WINDOW:
        raise ValueError(
            f"must be more than 0 and at most 1e9 seconds, not {value!r}: "
            "it is a span of time, not a date"
        )
    return span


def _queue(value: Any) -> str:
    return check_queue_name(_instance(value, str, "the name of a queue"))


def _count(value: Any) -> bool | int:
    if isinstance(value, int) and (value is True or value >= 0):
        return value
    raise ValueError(f"must be True, False or a number of 0 or more, not {value!r}")


def _strings(value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"must be a list of strings, not {value!r}")
    if not all(isinstance(one, str) for one in value):
        raise ValueError(f"must hold strings only, not {list(value)!r}")
    return list(value)


def _instance(value: Any, kind: type, words: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"must be {words}, not {value!r}")
    return value


_CHECKS: dict[str, features.Check] = {
    "queue": _queue,
    "retry": lambda value: _count(False if value is None else value),
    "retry_for": seconds,
    "retry_queue": lambda value: None if value is None else _queue(value),
    "dead": lambda value: _instance(value, bool, "True or False"),
    "backtrace": _count,
    "tags": _strings,
    "priority": priority.checked,
    "name": string,
    "aliases": _strings,
}
features.declare(features.Feature("the job path", _CHECKS))
