"""Which arguments a ``perform`` takes."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import ArgumentError, ConfigError

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_ANY = (("args", _VARIADIC[0]), ("kwargs", _VARIADIC[1]))


class Arity:
    """Which arguments a ``perform`` takes; checked at each push, so the usual case is two compares.

    So many positional arguments as *low* to *high* alone always fit; others may (:meth:`check`).
    """

    __slots__ = ("_signature", "_suffix", "high", "low")

    def __init__(self, perform: Callable[..., Any], *, bound: bool, suffix: str = "") -> None:
        """*bound*: its first argument is ``self``. Raises ConfigError when it takes none."""
        parameters = _parameters(perform, bound)
        # Without annotations: they would bury the names in an error message.
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
        self._signature = inspect.Signature(bare)
        self._suffix = suffix
        fixed = [p for p in parameters if p.kind not in _VARIADIC]
        needed = [p for p in fixed if p.default is p.empty]
        keyword_only = inspect.Parameter.KEYWORD_ONLY
        self.low = len(needed)
        if any(p.kind is keyword_only for p in needed):
            self.high = -1  # positional arguments alone never fit
        elif any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
            self.high = sys.maxsize
        else:
            self.high = sum(p.kind is not keyword_only for p in fixed)

    def check(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise ArgumentError, a TypeError, unless ``perform(*args, **kwargs)`` can be called."""
        if not kwargs and self.low <= len(args) <= self.high:
            return
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            # By name: who makes no mistake does without.
            advice = importlib.import_module("kiq.advice.others")
            hint = advice.of_arguments(set(kwargs) - set(self._signature.parameters))
            text = f"{name}{self._suffix}{self._signature}: {error}{hint}"
            raise ArgumentError(text) from None

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        """Return which argument gets what, defaults too. Raises TypeError where they don't fit."""
        found = self._signature.bind(*args, **kwargs)
        found.apply_defaults()
        return found


def _parameters(perform: Callable[..., Any], bound: bool) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(perform).parameters.values())
    except ValueError:  # code in C that does not say
        return [inspect.Parameter(name, kind) for name, kind in _ANY]
    first = parameters[0].kind if parameters else None
    if bound and first in (None, inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
        raise ConfigError(
            f"{getattr(perform, '__qualname__', perform)!s} takes no self: write `def perform(self, ...)`"
        )
    # That of a decorator, (*args, **kwargs), takes self among the others.
    return parameters[1:] if bound and first is not inspect.Parameter.VAR_POSITIONAL else parameters
