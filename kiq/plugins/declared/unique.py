"""Unique jobs: the option ``unique``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Literal, TypedDict, get_args

from ...features import Feature, declare
from ...options import seconds

Lock = Literal[
    "until_success",
    "until_start",
    "until_expiry",
    "while_executing",
    "until_and_while_executing",
]
OnConflict = Literal["skip", "raise", "replace", "reschedule"]
By = str | Sequence[str] | Callable[..., Any] | None

#: What ``by`` may be that is code, under the name that travels.
callables: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True, slots=True)
class Unique:
    """How a job is unique: what holds its lock, for how long, and what a second one comes to.

    *by* says which arguments count: names of parameters of ``perform``, or a callable that gets the
    arguments and returns what is to be unique; all where it is None. *ttl* (seconds or timedelta) is
    the longest that the lock holds, counted from when the job is due; ``until_expiry`` needs it. With
    ``reschedule`` it is the longest that pushes can put the job off. See docs/unique.md.
    """

    lock: Lock = "until_success"
    by: By = None
    ttl: float | timedelta | None = None
    on_conflict: OnConflict = "skip"


class UniqueOptions(TypedDict, total=False):
    """The options of the feature."""

    unique: bool | Lock | Unique | Mapping[str, Any]


def unique(value: Any) -> Any:
    """Return the form in which the option travels: False, or a dict of what is said.

    The feature is attached to this process by that. Raises ValueError.
    """
    if value is False or value is None:
        return False
    if value is True:
        value = Unique()
    elif isinstance(value, str):
        value = Unique(value)  # type: ignore[arg-type]
    elif isinstance(value, Mapping):
        value = _from_mapping(value)
    if not isinstance(value, Unique):
        raise ValueError(
            f"must be True, False, the name of a lock, or kiq.Unique(...), not {value!r}"
        )
    form = _form(value)
    # By name: who has no unique job does without.
    importlib.import_module("kiq.plugins.unique").attach()
    return form


def _from_mapping(value: Mapping[str, Any]) -> Unique:
    known = {each.name for each in fields(Unique)}
    unknown = sorted(map(str, value.keys() - known))
    if unknown:
        raise ValueError(f"must have no {unknown[0]!r}: there are {', '.join(sorted(known))}")
    return Unique(**value)


def _form(value: Unique) -> dict[str, Any]:
    _one_of("the lock", value.lock, get_args(Lock))
    _one_of("on_conflict", value.on_conflict, get_args(OnConflict))
    if value.lock == "until_expiry" and value.ttl is None:
        raise ValueError(
            "must have a ttl, the seconds that the lock holds: Unique('until_expiry', ttl=60)"
        )
    if value.lock == "while_executing" and (value.on_conflict != "skip" or value.ttl is not None):
        raise ValueError(
            "must have neither ttl nor on_conflict with while_executing: each job is pushed, and waits "
            "until the one before has ended"
        )
    if value.lock == "until_expiry" and value.on_conflict in ("replace", "reschedule"):
        raise ValueError(f"must not {value.on_conflict} with until_expiry: the job has long run")
    form: dict[str, Any] = {"lock": value.lock}
    if value.by is not None:
        form["by"] = _by(value.by)
    if value.ttl is not None:
        form["ttl"] = seconds(value.ttl)
    if value.on_conflict != "skip":
        form["on_conflict"] = value.on_conflict
    return form


def _one_of(what: str, word: Any, words: Sequence[str]) -> None:
    if word not in words:
        raise ValueError(f"must have for {what} one of {', '.join(words)}, not {word!r}")


def _by(value: Any) -> Any:
    if isinstance(value, str):
        return value if value in callables else [value]
    if callable(value):
        code = getattr(value, "__code__", None)
        line = f":{code.co_firstlineno}" if code is not None else ""
        kind = value if hasattr(value, "__qualname__") else type(value)
        name = f"{kind.__module__}.{kind.__qualname__}{line}()"
        callables[name] = value
        return name
    names = list(value) if isinstance(value, Sequence) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"must have names of arguments in by, or a callable, not {value!r}")
    return sorted(set(names))


declare(Feature("unique", options={"unique": unique}))
