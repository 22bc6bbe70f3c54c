"""The modes: where pushes go in this process, or in this scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Literal, get_args

from ..client import stand_ins
from ..errors import ConfigError
from ..plugins import results
from ..pusher import Pusher
from .box import Box
from .clients import stand_in
from .errors import NotFaking
from .keep import keep_of
from .locks import Lock
from .outside import warn_outside_tests
from .performing import perform

Mode = Literal["fake", "inline", "disabled"]


class _State:
    """A mode, and the jobs that were pushed while it held.

    Threads: any; *mode* is replaced as a whole.
    """

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.box = Box()
        self.keep = keep_of(lambda: self.box.all(None, None))


class _Process:
    """What holds for the process outside the scopes of threads and tasks: the last that began.

    Threads: any. Scopes that overlap may end in any order, and leave nothing behind.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._states = [_State("disabled")]

    @property
    def state(self) -> _State:
        return self._states[-1]

    def begin(self, state: _State) -> None:
        with self._lock:
            self._states = [*self._states, state]

    def end(self, state: _State) -> None:
        with self._lock:
            self._states = [each for each in self._states if each is not state]


_process = _Process()
_scope: ContextVar[_State | None] = ContextVar("kiq_testing_scope", default=None)


def fake() -> None:
    """From now on, in the whole process: pushes stay in memory, where :func:`jobs` finds them.

    Scopes that are open keep their mode.
    """
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
    state = _State(_checked(mode))
    _attach(mode)
    if process_wide:
        _process.begin(state)
        try:
            yield
        finally:
            _process.end(state)
    else:
        token = _scope.set(state)
        try:
            yield
        finally:
            try:
                _scope.reset(token)
            except ValueError:  # a generator that is closed in another context: its own has ended
                pass


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
    _attach(mode)
    _process.state.mode = mode


def _state() -> _State:
    return _scope.get() or _process.state


def _checked(mode: Mode) -> Mode:
    if mode not in get_args(Mode):
        raise ConfigError(f"a mode of kiq.testing is one of {get_args(Mode)}, not {mode!r}")
    return mode


def _attach(mode: Mode) -> None:
    """Be asked for the client of each push, from the first mode on; nothing is slower before that.

    Not by ``use_client``: ``kiq.configure`` in a module that a test imports would undo it, and the
    test would push to Redis.
    """
    if mode == "fake":
        warn_outside_tests()
    if _client not in stand_ins:
        stand_ins.append(_client)
        results.stand_ins.append(_results)


def keep() -> results.Memory:
    """Return what the jobs of this scope, or of the process, came to."""
    return _state().keep


def _results() -> results.Memory | None:
    state = _state()
    return None if state.mode == "disabled" else state.keep


def _client() -> Pusher | None:
    state = _state()
    if state.mode == "disabled":
        return None
    if state.mode == "inline":
        return stand_in(partial(perform, keep=state.keep))
    return stand_in(state.box.put, lambda: state.box.all(None, None), state.box.remove)
