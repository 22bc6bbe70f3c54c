"""The options of a job class, and of one push."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from .config import check_queue_name
from .errors import ConfigError

_LONGEST_WINDOW = 1_000_000_000  # seconds; above it Sidekiq takes the number for a date


class SetOptions(TypedDict, total=False):
    """What :meth:`kiq.Job.set` takes: options for one push."""

    queue: str
    retry: bool | int
    retry_for: float | timedelta
    retry_queue: str | None
    dead: bool
    backtrace: bool | int
    tags: Sequence[str]
    log_level: str
    time_limit: float | timedelta
    profile: str


class Options(SetOptions, total=False):
    """What a job class takes as class keywords, and ``@kiq.job`` as arguments."""

    name: str
    aliases: Sequence[str]


#: Options that say how the class is known; they don't travel with a job.
CLASS_ONLY = frozenset({"name", "aliases"})
KNOWN = frozenset(Options.__annotations__)
DEFAULTS: Mapping[str, Any] = {"retry": True, "queue": "default"}


def checked(
    owner: str, options: Mapping[str, Any], *, known: frozenset[str] = KNOWN
) -> dict[str, Any]:
    """Return *options* in the form that a payload has; *owner* is named in errors.

    Raises ConfigError, which suggests the near miss, for an unknown name or a value that can't be.
    """
    result: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            raise ConfigError(f"{owner}: unknown option {name!r}{_suggestion(name, known)}")
        result[name] = _checked_value(owner, name, value)
    return result


def _suggestion(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f" (there are: {', '.join(sorted(known))})"


def _checked_value(owner: str, name: str, value: Any) -> Any:
    match name:
        case "queue":
            return _queue(owner, name, value)
        case "retry_queue":
            return None if value is None else _queue(owner, name, value)
        case "retry":
            return _count(owner, name, False if value is None else value)
        case "backtrace":
            return _count(owner, name, value)
        case "dead":
            return _instance(owner, name, value, bool, "True or False")
        case "retry_for" | "time_limit":
            return _seconds(owner, name, value)
        case "tags" | "aliases":
            return _strings(owner, name, value)
        case "log_level":
            return _level(owner, value)
        case _:
            return _instance(owner, name, value, str, "a string")


def _queue(owner: str, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{owner}: {name} must be the name of a queue, not {value!r}")
    try:
        return check_queue_name(value)
    except ConfigError as error:
        raise ConfigError(f"{owner}: {name}: {error}") from None


def _count(owner: str, name: str, value: Any) -> bool | int:
    if isinstance(value, int) and (value is True or value >= 0):
        return value
    raise ConfigError(
        f"{owner}: {name} must be True, False or a number of 0 or more, not {value!r}"
    )


def _seconds(owner: str, name: str, value: Any) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ConfigError(f"{owner}: {name} must be seconds or a timedelta, not {value!r}")
    if not 0 < seconds <= _LONGEST_WINDOW:
        raise ConfigError(
            f"{owner}: {name} must be more than 0 and at most 1e9 seconds, not {value!r}: "
            "it is a span of time, not a date"
        )
    return seconds


def _strings(owner: str, name: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{owner}: {name} must be a list of strings, not {value!r}")
    if not all(isinstance(one, str) for one in value):
        raise ConfigError(f"{owner}: {name} must hold strings only, not {list(value)!r}")
    return list(value)


def _level(owner: str, value: Any) -> str:
    if isinstance(value, str) and logging.getLevelNamesMapping().get(value.upper()):
        return value
    raise ConfigError(
        f"{owner}: log_level must be one of debug, info, warning, error, critical, not {value!r}"
    )


def _instance(owner: str, name: str, value: Any, kind: type, words: str) -> Any:
    if not isinstance(value, kind):
        raise ConfigError(f"{owner}: {name} must be {words}, not {value!r}")
    return value
