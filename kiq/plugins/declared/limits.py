"""Limits: the option ``limit``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

from ...features import Feature, declare

Kind = Literal["concurrent", "window", "bucket", "leaky", "points"]
Key = str | Sequence[str] | Callable[..., Any] | None

#: What ``key`` may be that is code, under the name that travels.
callables: dict[str, Callable[..., Any]] = {}
#: The numbers of limits that classes and pushes of this process have, by kind and name.
definitions: dict[str, str] = {}

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_MOST = 10_000


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Limit:
    """How often, or how many at a time: what :mod:`kiq.limits` makes.

    *size* calls at a time, or in *per* seconds. *key* says which arguments tell one limit from the others
    of this name: names of parameters of ``perform``, or a callable that gets the arguments. *cost* is how
    many of *size* a job takes.
    """

    kind: Kind
    name: str
    size: int
    per: float
    key: Key = None
    cost: int = 1

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"a limit is one of {', '.join(get_args(Kind))}, not {self.kind!r}")
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            raise ValueError(
                "a limit's name has letters, digits, '_', '.' and '-', a hundred at most, "
                f"not {self.name!r}"
            )
        for what, number in (("size", self.size), ("cost", self.cost)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"limit {self.name}: {what} is 1 or more, not {number!r}")
        if self.cost > self.size:
            raise ValueError(
                f"limit {self.name}: a cost of {self.cost} never fits into {self.size}"
            )

    @property
    def terms(self) -> str:
        """The numbers, in the form in which Redis has them."""
        return f"{self.size} {self.per:.6f}"


class LimitOptions(TypedDict, total=False):
    """The options of the feature."""

    limit: Limit | Sequence[Limit] | Literal[False] | None


def limit(value: Any) -> Any:
    """Return the form in which the option travels: False, or a list of what is said of each limit.

    The feature is attached to this process by that. Raises ValueError.
    """
    if value is None or value is False:
        return False
    several = value if isinstance(value, list | tuple) else [value]
    forms = [_form(each) for each in several]
    if not forms:
        return False
    if len({(each.get("kind"), each.get("name"), each.get("id")) for each in forms}) < len(forms):
        raise ValueError("must not have the same limit twice")
    # By name: who has no limit does without.
    importlib.import_module("kiq.plugins.limits").attach()
    return forms


def _form(one: Any) -> dict[str, Any]:
    if isinstance(one, Mapping) and isinstance(one.get("id"), str):
        return dict(one)  # of a job that was pushed before
    if not isinstance(one, Limit):
        raise ValueError(
            f"must be a limit, such as kiq.limits.window(...), or several, not {one!r}"
        )
    form: dict[str, Any] = {"kind": one.kind, "name": one.name, "terms": one.terms}
    if one.key is not None:
        form["key"] = _key(one.key)
    if one.cost != 1:
        form["cost"] = one.cost
    definitions.pop(f"{one.kind}:{one.name}", None)
    definitions[f"{one.kind}:{one.name}"] = one.terms
    while len(definitions) > _MOST:
        del definitions[next(iter(definitions))]
    return form


def _key(value: Any) -> Any:
    if isinstance(value, str):
        return [value]
    if callable(value):
        code = getattr(value, "__code__", None)
        line = f":{code.co_firstlineno}" if code is not None else ""
        kind = value if hasattr(value, "__qualname__") else type(value)
        name = f"{kind.__module__}.{kind.__qualname__}{line}()"
        callables[name] = value
        return name
    names = list(value) if isinstance(value, Sequence) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"must have names of arguments for a key, or a callable, not {value!r}")
    return names


declare(Feature("limits", options={"limit": limit}))
