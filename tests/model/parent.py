"""A parent of all processes: beats for silent ones, gives back what dead ones held, and may die."""

from __future__ import annotations

from . import mistakes, scripts
from .faults import ended
from .state import UNREGISTERED, Rules, State
from .step import fault, step


@step("a keeper beats for process {0}")
def keeps(state: State, rules: Rules, p: int) -> State:
    """From outside: the process learns nothing, neither that its lease holds nor that it was reclaimed."""
    process = state.processes[p]
    for owner in (process.owner, process.poller):
        if not owner:
            continue
        if rules.mistake == mistakes.KEEPER_REGISTERS and process.phase != UNREGISTERED:
            state = scripts.register(state, owner)
        state, _ = scripts.beat(state, owner)
    return state


@fault("the parent is killed")
def dies(state: State, rules: Rules, number: int) -> State:
    """Nobody beats for its children any more, and gives back what they held, but others by the lease."""
    return state._replace(parent=False)


@step("process {0} ends, as its parent is gone")
def follows(state: State, rules: Rules, p: int) -> State:
    """In order, or its deadline has come: what it held waits for others in any case."""
    return ended(state, p)


@step("another parent is started")
def comes_back(state: State, rules: Rules, number: int) -> State:
    """By a supervisor, after the children of the first have ended. It knows nothing of them."""
    return state._replace(parent=True)
