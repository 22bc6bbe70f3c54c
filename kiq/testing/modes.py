"""The modes: where pushes go in this process, or in this scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple, get_args

from ..client import Client, _default
from ..errors import ConfigError
from .box import Box
from .clients import StandIn
from .errors import NotFaking
from .performing import perform

Mode = Literal["fake", "inline", "disabled"]


class _State(NamedTuple):
    mode: Mode
    box: Box


class _Process:
    """What holds for the process outside all scopes.

    Threads: any; the state is replaced as a whole.
    """

    def __init__(self) -> None:
        self.state = _State("disabled", Box())


_process = _Process()
_scope: ContextVar[_State | None] = ContextVar("kiq_testing_scope", default=None)


def fake() -> None:
    """From now on, in the whole process: pushes stay in memory, where :func:`jobs` finds them."""
    _switch("fake")


def inline() -> None:
    """From now on, in the whole process: each push runs its job at once, also one with a due time."""
    _switch("inline")


def disabled() -> None:
    """From now on, in the whole process: pushes go to Redis. So it is until a mode is chosen."""
    _switch("disabled")


def mode() -> Mode:
    """Return the mode that holds here."""
    return _state().mode


@contextmanager
def scoped(mode: Mode, *, process_wide: bool = False) -> Iterator[None]:
    """Set the mode for a ``with`` block, which begins without jobs; blocks may be nested.

    It holds for the code of the block and the asyncio tasks that begin in it; other threads and tasks
    don't notice, nor do threads that begin in it. *process_wide*: it holds for all of them, but for
    those in a scope of their own. Raises ConfigError for an unknown mode.
    """
    state = _State(_checked(mode), Box())
    _attach()
    if process_wide:
        before, _process.state = _process.state, state
        try:
            yield
        finally:
            _process.state = before
    else:
        token = _scope.set(state)
        try:
            yield
        finally:
            _scope.reset(token)


def box() -> Box:
    """Return where the jobs of this scope, or of the process, are. Raises NotFaking."""
    state = _state()
    if state.mode != "fake":
        raise NotFaking(
            f"the mode is {state.mode} here, which keeps no jobs: call kiq.testing.fake(), or write "
            'with kiq.testing.scoped("fake"): (a thread does not inherit the scope of another)'
        )
    return state.box


def _switch(mode: Mode) -> None:
    _attach()
    _process.state = _State(mode, _process.state.box)


def _state() -> _State:
    return _scope.get() or _process.state


def _checked(mode: Mode) -> Mode:
    if mode not in get_args(Mode):
        raise ConfigError(f"a mode of kiq.testing is one of {get_args(Mode)}, not {mode!r}")
    return mode


def _attach() -> None:
    """Have ``default_client()`` ask :func:`_client` first.

    Not by ``use_client``: ``kiq.configure`` in a module that a test imports would undo it, and the
    test would push to Redis. A method of this one object is covered; nothing is slower before that.
    """
    vars(_default)["get"] = _client


def _client() -> Client:
    state = _state()
    if state.mode == "disabled":
        return type(_default).get(_default)
    return StandIn(state.box.put if state.mode == "fake" else perform)
