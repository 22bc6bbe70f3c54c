"""What an iterable job class must look like, checked when it is defined."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ConfigError

_Parameters = Sequence[inspect.Parameter]
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def is_whole(cls: type) -> bool:
    """Tell whether *cls* has all it takes to run; a base may leave ``build`` or ``each`` open."""
    methods = [getattr(cls, name, None) for name in ("build", "each")]
    return all(one and not getattr(one, "__isabstractmethod__", False) for one in methods)


def signature_of(cls: type) -> inspect.Signature:
    """Return what ``perform`` takes: the arguments of ``build``, without the cursor.

    Raises ConfigError for methods that don't fit each other, or can't be called by a thread.
    """
    owner = cls.__qualname__
    build, each = (_parameters(cls, name) for name in ("build", "each"))
    arguments = [p for p in build[1:] if p.name != "cursor"]
    cursor = next((p for p in build[1:] if p.name == "cursor"), None)
    if cursor is None or cursor.kind not in (
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise ConfigError(
            f"{owner}.build must take the cursor, as in `def build(self, {_names(arguments, '')}"
            "*, cursor)`: it is None in the first run, and later where to go on"
        )
    if len(each) < 2 or each[1].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise ConfigError(f"{owner}.each must take an item, as in `def each(self, item)`")
    if not _agree(arguments, each[2:]):
        raise ConfigError(
            f"{owner}: build and each get the same arguments of the job: build takes "
            f"({_names(arguments)}), so write `def each(self, item, {_names(arguments)})`, "
            f"not ({_names(each[1:])})"
        )
    return inspect.Signature([build[0], *arguments])


def _parameters(cls: type, name: str) -> _Parameters:
    raw = inspect.getattr_static(cls, name)
    if isinstance(raw, classmethod | staticmethod) or not callable(raw):
        raise ConfigError(
            f"{cls.__qualname__}.{name} must be an ordinary method, `def {name}(self, ...)`"
        )
    if inspect.iscoroutinefunction(raw) or inspect.isasyncgenfunction(raw):
        raise ConfigError(f"{cls.__qualname__}.{name} is async: iterable jobs run on threads")
    if name == "each" and inspect.isgeneratorfunction(raw):
        raise ConfigError(f"{cls.__qualname__}.each is a generator: nobody would run its body")
    return list(inspect.signature(raw).parameters.values())


def _agree(build: _Parameters, each: _Parameters) -> bool:
    if {p.kind for p in each} >= set(_VARIADIC):
        return True  # it takes whatever comes
    return [(p.name, p.kind, p.default) for p in build] == [
        (p.name, p.kind, p.default) for p in each
    ]


def _names(parameters: _Parameters, end: str | None = None) -> str:
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    text = ", ".join(str(each) for each in bare)
    return text if end is None or not text else f"{text}, {end}"


def performing(cls: type, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return the ``perform`` of *cls*: it calls *run*, and has the signature that pushes must fit."""

    def perform(self: Any, *args: Any, **kwargs: Any) -> None:
        run(self, args, kwargs)

    perform.__signature__ = signature_of(cls)  # type: ignore[attr-defined]
    perform.__qualname__ = f"{cls.__qualname__}.perform"
    perform.__module__ = cls.__module__
    return perform
