"""What to say where a payload names a job class that is not registered: what is there instead."""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
from typing import Any

_LONGEST = 200  # characters of a name that are looked at
_CLOSE = 0.8  # how much alike names must be, of 1


@functools.lru_cache(maxsize=64)  # a queue may hold many jobs of one such class
def what_is_there(name: str, known: tuple[str, ...]) -> str:
    """Return a clause about the nearest thing to *name*, or "": *known* are the registered names."""
    name = name[:_LONGEST]
    try:
        return _object(name) or _namesake(name, known)
    except Exception:  # noqa: BLE001 (what stands there may raise when looked at: it is only a hint)
        return ""


def _object(name: str) -> str:
    """Say what is under *name* in a module that is loaded: none is imported, as anyone may push."""
    path = name.split(".")
    if path[0] in sys.stdlib_module_names:
        return ""
    for at in range(len(path) - 1, 0, -1):
        module = sys.modules.get(".".join(path[:at]))
        if module is not None:
            found: Any = module
            for step in path[at:]:
                found = inspect.getattr_static(found, step, None)
            return _described(name, found)
    return ""


def _described(name: str, found: Any) -> str:
    spec = inspect.getattr_static(found, "_kiq_spec", None)
    if spec is not None:
        return f"{name} is there, and named {spec.name!r}: was it pushed before it got that name?"
    if issubclass(type(found), type):
        if inspect.getattr_static(found, "perform_async", None) is not None:
            return f"{name} is a class that has no perform"
        return f"{name} is a class, but no kiq.Job: derive it from that"
    if inspect.isroutine(found):
        return f"{name} is a function, but no job: put @kiq.job above it"
    return ""


def _namesake(name: str, known: tuple[str, ...]) -> str:
    last = _last(name)
    alike = [each for each in known if _last(each) == last]
    alike += [
        each
        for each in known
        if each.lower() == name.lower() or _last(each).lower() == last.lower()
    ]
    alike += difflib.get_close_matches(name, known, 1, _CLOSE)
    if not alike:
        return ""
    # Of several namesakes the one whose modules end alike: app.jobs.Ship for jobs.Ship.
    nearest = max(alike, key=lambda each: each.endswith(f".{name}") or name.endswith(f".{each}"))
    if _last(nearest) != last:
        return f"{nearest} is registered: did you mean that?"
    return (
        f"{nearest} is registered: has its module another name where the job was pushed (another "
        f"working folder), or has it moved? Then give it aliases=[{name!r}]"
    )


def _last(name: str) -> str:
    return name.rpartition(".")[2].rpartition(":")[2]
