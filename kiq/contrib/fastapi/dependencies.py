"""Dependencies of FastAPI outside of a request: in jobs, commands, tests."""

from __future__ import annotations

import asyncio
import functools
import inspect
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Generic, TypeVar, overload

from fastapi import FastAPI, params

T = TypeVar("T")


@overload
def using(
    dependency: Callable[..., AsyncIterator[T]], *, app: FastAPI | None = None
) -> Using[T]: ...
@overload
def using(dependency: Callable[..., Iterator[T]], *, app: FastAPI | None = None) -> Using[T]: ...
@overload
def using(dependency: Callable[..., Awaitable[T]], *, app: FastAPI | None = None) -> Using[T]: ...
@overload
def using(dependency: Callable[..., T], *, app: FastAPI | None = None) -> Using[T]: ...
def using(dependency: Callable[..., Any], *, app: FastAPI | None = None) -> Using[Any]:
    """Return what gives the value of *dependency*: ``async with using(get_session) as session``.

    Those that it depends on are called once each, as in a request, and what stands behind their ``yield``
    runs at the end of the block, the last first; an error of the block is raised at the ``yield``. In plain
    jobs ``with using(...)``, where none of them is async. ``dependency_overrides`` of *app* count.

    Raises TypeError, at the block, for one that wants what only a request has.
    """
    return Using(dependency, {} if app is None else app.dependency_overrides)


class Using(Generic[T]):
    """One use of a dependency; a context manager, async or not."""

    def __init__(
        self, dependency: Callable[..., Any], overrides: dict[Callable[..., Any], Any]
    ) -> None:
        self._dependency = dependency
        self._overrides = overrides
        self._made: dict[Any, Any] = {}
        self._stack: AsyncExitStack | None = None
        self._plain = ExitStack()

    async def __aenter__(self) -> T:
        """Make it, on this event loop; plain functions run on a thread, as in FastAPI."""
        self._made.clear()
        async with AsyncExitStack() as stack:
            found: T = await self._of(self._dependency, stack)
            self._stack = stack.pop_all()
        return found

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """End what was made; an error is raised in it."""
        assert self._stack is not None
        return await self._stack.__aexit__(kind, error, trace)

    def __enter__(self) -> T:
        """Make it here. Raises TypeError for one that is async."""
        self._made.clear()
        with ExitStack() as stack:
            found: T = self._here(self._dependency, stack)
            self._plain = stack.pop_all()
        return found

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """End what was made; an error is raised in it."""
        return self._plain.__exit__(kind, error, trace)

    async def _of(self, dependency: Callable[..., Any], stack: AsyncExitStack) -> Any:
        call = self._overrides.get(dependency, dependency)
        if call in self._made:
            return self._made[call]
        wanted = {
            name: await self._of(each, stack) for name, each in _needs(call, dependency).items()
        }
        if _is(inspect.isasyncgenfunction, call):
            made = await stack.enter_async_context(asynccontextmanager(call)(**wanted))
        elif _is(inspect.iscoroutinefunction, call):
            made = await call(**wanted)
        elif _is(inspect.isgeneratorfunction, call):
            made = await stack.enter_async_context(_beside(contextmanager(call)(**wanted)))
        else:
            made = await asyncio.to_thread(call, **wanted)
        self._made[call] = made
        return made

    def _here(self, dependency: Callable[..., Any], stack: ExitStack) -> Any:
        call = self._overrides.get(dependency, dependency)
        if call in self._made:
            return self._made[call]
        for kind in (inspect.isasyncgenfunction, inspect.iscoroutinefunction):
            if _is(kind, call):
                raise TypeError(f"{_name(call)} is async: use it in an async job, by `async with`")
        wanted = {name: self._here(each, stack) for name, each in _needs(call, dependency).items()}
        if _is(inspect.isgeneratorfunction, call):
            made = stack.enter_context(contextmanager(call)(**wanted))
        else:
            made = call(**wanted)
        self._made[call] = made
        return made


@asynccontextmanager
async def _beside(plain: Any) -> AsyncIterator[Any]:
    """Enter and leave a plain context manager on threads, as FastAPI does with it."""
    made = await asyncio.to_thread(plain.__enter__)
    try:
        yield made
    except BaseException as error:
        if not await asyncio.to_thread(plain.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await asyncio.to_thread(plain.__exit__, None, None, None)


def _needs(call: Callable[..., Any], dependency: Callable[..., Any]) -> dict[str, Any]:
    """Return on what *call* depends, by its parameters. Raises TypeError for what a request brings."""
    found: dict[str, Any] = {}
    hints = _hints(call)
    for name, each in inspect.signature(call).parameters.items():
        marks = [*getattr(hints.get(name), "__metadata__", ()), each.default]
        mark = next((one for one in marks if isinstance(one, params.Depends)), None)
        if mark is not None:
            found[name] = mark.dependency or typing.get_args(hints[name])[0]
        elif each.default is inspect.Parameter.empty and each.kind not in (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        ):
            raise TypeError(
                f"{_name(dependency)} takes {name!r}, which a request brings, and a job has none: let the "
                "part that a job needs be a dependency of its own"
            )
    return found


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    whole = call if inspect.isfunction(call) or inspect.ismethod(call) else _body(call)
    return typing.get_type_hints(whole, include_extras=True)


def _body(call: Any) -> Any:
    """Return the function that a class, or an object that can be called, is called by."""
    if isinstance(call, functools.partial):
        return call.func
    return vars(call).get("__init__", call) if isinstance(call, type) else type(call).__call__


def _is(kind: Callable[[Any], bool], call: Any) -> bool:
    return kind(call) or (not isinstance(call, type) and kind(getattr(call, "__call__", None)))  # noqa: B004


def _name(call: Any) -> str:
    return str(getattr(call, "__qualname__", call))
