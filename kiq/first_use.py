"""Names of a package that are imported at their first use: who does not use one has not got it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def found_in(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of *package*: *places* are the modules that its other names are from.

    A name that its module has not is the module itself. Type checkers need the imports as well.
    """

    def find(name: str) -> Any:
        if name not in places:
            # By name: who makes no mistake does without.
            hint = importlib.import_module("kiq.advice.others").of_module(name)
            raise AttributeError(f"module {package!r} has no attribute {name!r}{hint}")
        module = importlib.import_module(places[name], package)
        value = getattr(module, name, module)
        setattr(sys.modules[package], name, value)
        return value

    return find
