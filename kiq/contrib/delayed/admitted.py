"""The classes that payloads may name: those that were opted in, and no others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...registry import wire_name


@dataclass(frozen=True, slots=True)
class Admitted:
    """A class, and which of its attributes travel beside a reference, for people to read."""

    cls: type
    show: tuple[str, ...] = ()


_by_name: dict[str, Admitted] = {}
#: Where classes stand that are not made yet: a decorator of a method runs before its class is.
_to_come: dict[str, tuple[str, str]] = {}


def name_of(cls: type) -> str:
    """Return the name under which *cls* travels."""
    return wire_name(cls.__module__, cls.__qualname__)


def admit(cls: type, show: Sequence[str] = (), aliases: Sequence[str] = ()) -> None:
    """Let payloads name *cls*, also by *aliases*, names that it had."""
    for name in (name_of(cls), *aliases):
        _by_name[name] = Admitted(cls, tuple(show))


def admit_later(module: str, path: str) -> None:
    """Let payloads name the class that will stand at *path* of *module*."""
    _to_come[wire_name(module, path)] = (module, path)


def found(name: str) -> Admitted | None:
    """Return what payloads call *name*; nothing is imported for it."""
    known = _by_name.get(name)
    if known is None and name in _to_come:
        cls = at_path(*_to_come[name])
        if isinstance(cls, type):
            admit(cls)
            known = _by_name.get(name)
    return known


def of(cls: type) -> Admitted | None:
    """Return what is known of *cls*, if it was opted in itself; its bases don't count."""
    known = found(name_of(cls))
    return known if known is not None and known.cls is cls else None


def at_path(module: str, path: str) -> Any:
    """Return what stands at *path* of *module*, None where that is nothing, or not imported."""
    here: Any = sys.modules.get(module)
    for part in path.split("."):
        here = getattr(here, part, None)
    return here
