"""Hooks by name: ``before_perform``, ``after_enqueue_count``, in the order of their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ConfigError
from ...undone import check_done, refuse_undone

#: What a hook's name begins with; ``around_perform`` alone may be a generator.
KINDS = (
    *("before_enqueue", "after_enqueue", "before_dequeue", "after_dequeue"),
    *("before_perform", "around_perform", "after_perform", "on_failure"),
    *("before_schedule", "after_schedule", "before_delayed_enqueue"),
)


def names_of(cls: type, kind: str) -> list[str]:
    """Return the names of the hooks of one *kind*, in the order in which they are called."""
    found = {
        name
        for each in cls.__mro__
        for name in vars(each)
        if name == kind or name.startswith(f"{kind}_")
    }
    return sorted(found)


def check(cls: type) -> None:
    """Raise ConfigError for a hook that can't be called as hooks are: with the job's arguments alone."""
    for kind in KINDS:
        for name in names_of(cls, kind):
            hook, raw = getattr(cls, name), inspect.getattr_static(cls, name)
            label = f"{cls.__qualname__}.{name}"
            if not callable(hook):
                raise ConfigError(f"{label} must be a function: it is a hook by its name")
            if not isinstance(raw, staticmethod | classmethod) and _takes_self(hook):
                raise ConfigError(
                    f"{label} takes self: no object is made; write @staticmethod above it"
                )
            if kind != "around_perform":
                refuse_undone(label, hook)
            elif inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook):
                raise ConfigError(f"{label} is async: write a plain def with a `yield`")


def _takes_self(function: Any) -> bool:
    parameters = list(inspect.signature(function).parameters)
    return parameters[:1] == ["self"]


def hooks_of(cls: type, kind: str) -> list[Callable[..., Any]]:
    """Return the hooks of one *kind*, looked up now: a test may have put others in their place."""
    return [getattr(cls, name) for name in names_of(cls, kind)]


def call(cls: type, kind: str, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Call the hooks of one *kind*; the first error is raised."""
    for name in names_of(cls, kind):
        check_done(getattr(cls, name)(*args, **kwargs), f"{cls.__qualname__}.{name}")


def allowed(cls: type, kind: str, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Call all hooks of one *kind*; tell whether none of them returned False."""
    said = [
        check_done(getattr(cls, name)(*args, **kwargs), f"{cls.__qualname__}.{name}")
        for name in names_of(cls, kind)
    ]
    return all(each is not False for each in said)
