"""What a payload says of the limits of its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from ..declared.limits import definitions
from . import keys
from .naming import FIELD

_KINDS = ("concurrent", "window", "bucket", "leaky", "points")


class Held(NamedTuple):
    """A limit of a job: its name in Redis, its numbers, and how many of these the job takes.

    *of_code* tells whether this process has the numbers from code, not from a job that was pushed long ago.
    """

    id: str
    terms: str
    of_code: bool = False
    cost: int = 1

    @property
    def name(self) -> str:
        """What it is called, without its key."""
        return self.id.split(":", 2)[1]

    @property
    def kind(self) -> str:
        """Which kind it is."""
        return self.id.partition(":")[0]


def limits_of(payload: Mapping[str, Any]) -> list[Held]:
    """Return the limits of the job of *payload*; none where what stands there is of others."""
    said = payload.get(FIELD)
    found = []
    for each in said if isinstance(said, list) else ():
        if not isinstance(each, dict):
            continue
        name, terms, cost = each.get("id"), each.get("terms"), each.get("cost", 1)
        if _is_name(name) and _are_terms(terms) and isinstance(cost, int):
            known = definitions.get(":".join(name.split(":", 2)[:2]))
            found.append(Held(name, known or terms, known is not None, max(1, cost)))
    return found


def _is_name(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and name.count(":") >= 2 and name.partition(":")[0] in _KINDS


def _are_terms(text: Any) -> TypeGuard[str]:
    size, _, per = str(text).partition(" ")
    try:
        return int(size) >= 1 and float(per) >= 0
    except ValueError:
        return False


def pieces(limits: Sequence[Held], *, decide: bool = True) -> tuple[list[str], list[Any]]:
    """Return what Lua gets of *limits*: keys, arguments. Without *decide* the numbers stay as they are."""
    names: list[str] = []
    args: list[Any] = []
    for one in limits:
        names += keys.of(one.id)
        args += (one.kind, one.id, one.terms, "1" if decide and one.of_code else "0", one.cost)
    return names, args
