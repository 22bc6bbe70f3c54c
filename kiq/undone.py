"""Work that was called for and not done: coroutines, generators and futures that nobody waits for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import inspect
import types
from typing import Any, NoReturn

from .errors import ConfigError, NotDone

#: Types of results that are what they are. A look at the type costs no call; the others have a closer look.
PLAIN = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict, set})

#: What a result may be instead, and what to do then.
_ADVICE = {
    "a coroutine": "is it `async def` under a decorator that does not await it?",
    "a generator": "nobody loops over it: do so there, or remove the `yield`",
    "an async generator": "nobody loops over it: do so there, or remove the `yield`",
    "a lazy iterator": "nobody loops over it: return list(...) of it",
    "a context manager": "nobody enters it: is there a @contextmanager above it?",
    "a future": "wait for it, and return its result()",
    "an awaitable": "await it",
}


def check_done(result: Any, what: str) -> Any:
    """Return *result*, which *what* returned. Raises NotDone where it is work that is still to be done."""
    kind = _kind(result)
    if kind is not None:
        if kind == "a coroutine":
            result.close()  # else Python warns, later and elsewhere, that it was never awaited
        raise NotDone(
            f"{what} returned {kind}, and what that was to do is not done; {_ADVICE[kind]}"
        )
    return result


def untouched(result: Any) -> bool:
    """Tell whether *result* is work that was not even begun; a future may be under way."""
    return _kind(result) not in (None, "a future", "an awaitable")


def refuse_undone(
    what: str,
    function: Any,
    instead: str = "write a plain def",
    *,
    gets: tuple[str, ...] | None = None,
) -> None:
    """Raise ConfigError where a call of *function* would only make a coroutine or a generator.

    Or could not be made, with the arguments that it *gets*.
    """
    for call in _calls(function):
        if inspect.iscoroutinefunction(call):
            _refuse(what, "async def: nobody would await it", instead)
        if inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call):
            _refuse(what, "a generator: nobody would run its body", "remove the `yield`")
    if gets is not None:
        _refuse_misfit(what, function, gets)


def refuse_method(cls: type, name: str, gets: tuple[str, ...] = ()) -> None:
    """Raise ConfigError where kiq could not call the method *name* of *cls*, if there is one."""
    method = getattr(cls, name, None)
    static = isinstance(inspect.getattr_static(cls, name, None), staticmethod)
    if inspect.isfunction(method) and not static:
        gets = ("self", *gets)
    refuse_undone(f"{cls.__qualname__}.{name}", method, gets=gets)


def _refuse_misfit(what: str, function: Any, gets: tuple[str, ...]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # no function, or code in C that does not say
        return
    try:
        signature.bind(*gets)
    except TypeError as error:
        call = f"({', '.join(gets)})"
        raise ConfigError(
            f"{what} can't be called ({error}): kiq calls it with {call}; "
            f"write `def {getattr(function, '__name__', 'it')}{call}`"
        ) from None


def is_async(function: Any) -> bool:
    """Tell whether a call of *function*, which may be an object that can be called, makes a coroutine."""
    return any(map(inspect.iscoroutinefunction, _calls(function)))


def _refuse(what: str, why: str, instead: str) -> NoReturn:
    raise ConfigError(f"{what} is {why}; {instead}")


def _calls(function: Any) -> tuple[Any, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function, inspect.getattr_static(type(function), "__call__", None)


def _kind(result: Any) -> str | None:
    kind = type(result)
    if kind in PLAIN or issubclass(kind, str):  # a jid has __await__, and is nothing to wait for
        return None
    for kinds, name in _KINDS:
        if issubclass(kind, kinds):
            return name
    if kind.__module__ == "multiprocessing.pool" and kind.__name__ != "Pool":
        return "a future"
    if issubclass(kind, contextlib.AbstractContextManager):
        body = getattr(result, "gen", None)  # of @contextmanager: else it has no work of its own
        return "a context manager" if isinstance(body, types.GeneratorType) else None
    return "an awaitable" if hasattr(kind, "__await__") else None


_KINDS: tuple[tuple[Any, str], ...] = (
    (types.CoroutineType, "a coroutine"),
    (types.GeneratorType, "a generator"),
    (types.AsyncGeneratorType, "an async generator"),
    (map | filter, "a lazy iterator"),
    (concurrent.futures.Future | asyncio.Future, "a future"),
)
