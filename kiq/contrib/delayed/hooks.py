"""Hooks of custom jobs by name: enqueue, before, after, success, error, failure."""

from __future__ import annotations

import inspect
from typing import Any

from ...errors import ConfigError
from ...plugin import host
from ...undone import check_done, refuse_undone

#: Each with what it may take.
KINDS = {
    **dict.fromkeys(("enqueue", "before", "after", "success", "failure"), ("job",)),
    "error": ("job", "exception"),
}


def check(cls: type) -> None:
    """Raise ConfigError for a hook that could not be called: with a job, an exception, or nothing."""
    for kind, gets in KINDS.items():
        hook = getattr(cls, kind, None)
        if not callable(hook):
            continue  # a field that is called so
        label = f"{cls.__qualname__}.{kind}"
        refuse_undone(label, hook)
        if taken(hook, len(gets), bound=inspect.isfunction(hook)) is None:
            raise ConfigError(f"{label} can't be called: write def {kind}(self, {', '.join(gets)})")


def taken(function: Any, most: int, *, bound: bool = False) -> int | None:
    """Return how many of *most* arguments *function* takes, as many as it can; None where none fits.

    *bound*: another one, ``self``, comes before them.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # code in C that does not say
        return most
    for count in range(most, -1, -1):
        try:
            signature.bind(*range(count + bound))
        except TypeError:
            continue
        return count
    return None


def call(found: Any, kind: str, *gets: Any) -> None:
    """Call the hook *kind* of the job object *found*, if it has one, with as much of *gets* as it takes."""
    hook = getattr(found, kind, None)
    if not callable(hook):
        return
    count = taken(hook, len(gets)) or 0
    check_done(hook(*gets[:count]), f"{type(found).__qualname__}.{kind}")


def tell(found: Any, kind: str, *gets: Any) -> None:
    """Do so; what the hook raises is reported, as what the job came to is decided."""
    try:
        call(found, kind, *gets)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 (the job failed of something else)
        label = f"the hook {type(found).__qualname__}.{kind}"
        host.report(problem, {"context": label, "jid": gets[0].jid})
