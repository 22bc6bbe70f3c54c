"""What a step is: a function with its arguments, and the words that a trace has for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, NamedTuple

from .state import LATE_COMMANDS, VERDICTS, Rules, State

Function = Callable[..., State]

_WORDS: dict[str, str] = {}
_PARAMETERS: dict[str, list[str]] = {}
_FAULTS: set[str] = set()
_LATE: set[str] = set()


class Step(NamedTuple):
    """One atomic step that can be taken in some state."""

    function: Function
    args: tuple[Any, ...]

    def take(self, state: State, rules: Rules) -> State:
        """Return the state after it."""
        return self.function(state, rules, *self.args)

    @property
    def is_fault(self) -> bool:
        """Whether it counts against the faults that may happen."""
        return self.function.__name__ in _FAULTS

    @property
    def process(self) -> int | None:
        """Which process it is a step of; None when it is one of Redis, or of a client."""
        return self.args[0] if _PARAMETERS[self.function.__name__][0] == "p" else None

    @property
    def must_happen(self) -> bool:
        """Whether the world has to take it some day: no fault, and no late command."""
        name = self.function.__name__
        return name not in _FAULTS and name not in _LATE

    def __str__(self) -> str:
        return self._worded(self.args)

    def told(self, processes: Sequence[int], jobs: Sequence[int], owners: Sequence[int]) -> str:
        """Return it in words, with these names for the numbers in it."""
        kinds = _PARAMETERS[self.function.__name__]
        names = {"p": processes, "j": jobs, "o": owners}
        told = [
            tuple(jobs[j] for j in arg)
            if kind == "jobs"
            else names[kind][arg]
            if kind in names
            else arg
            for kind, arg in zip(kinds, self.args, strict=True)
        ]
        return self._worded(told)

    def _worded(self, args: Sequence[Any]) -> str:
        kinds = _PARAMETERS[self.function.__name__]
        said = [_said(kind, arg) for kind, arg in zip(kinds, args, strict=True)]
        text = _WORDS[self.function.__name__].format(*said)
        return f"FAULT: {text}" if self.is_fault else text


def _said(kind: str, arg: Any) -> Any:
    if kind == "verdict":
        return VERDICTS[arg]
    return LATE_COMMANDS[arg.what] if kind == "command" else arg


def step(words: str) -> Callable[[Function], Function]:
    """Mark a function as a step of the protocol; *words* say it in a trace, with its arguments."""

    def mark(function: Function) -> Function:
        _WORDS[function.__name__] = words
        _PARAMETERS.setdefault(function.__name__, list(signature(function).parameters)[2:])
        return function

    return mark


def late(words: str) -> Callable[[Function], Function]:
    """Mark a function as the late arrival of a command: it may happen, or never."""

    def mark(function: Function) -> Function:
        _LATE.add(function.__name__)
        return step(words)(function)

    return mark


def fault(words: str) -> Callable[[Function], Function]:
    """Mark a function as a fault: it is counted, and only so many may happen."""

    def mark(function: Function) -> Function:
        def counted(state: State, rules: Rules, *args: Any) -> State:
            return function(state._replace(faults=state.faults - 1), rules, *args)

        counted.__name__ = function.__name__
        counted.__doc__ = function.__doc__
        _FAULTS.add(function.__name__)
        _PARAMETERS[function.__name__] = list(signature(function).parameters)[2:]
        return step(words)(counted)

    return mark
