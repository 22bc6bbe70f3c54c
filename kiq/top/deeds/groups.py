"""Acts on whole groups of failures, in both sets that hold them."""

from __future__ import annotations

import functools

from ...api import Deed as Kind
from .deed import Deed, Scope
from .entries import Part, on_all


def _groups(kind: Kind, scope: Scope) -> Deed:
    wanted = " ".join(f"group:{group.key}" for group in scope.subjects)
    rest = scope.place.wanted  # what the groups are of
    filtered = f"{wanted} {rest}".strip()
    names = ("retries",) if kind == "kill" else ("retries", "dead")
    return on_all(kind, scope.fleet, [Part(name, filtered) for name in names], scope.at)


retry = functools.partial(_groups, "retry")
kill = functools.partial(_groups, "kill")
delete = functools.partial(_groups, "delete")
