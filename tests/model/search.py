"""Breadth-first through every state that the steps can reach; the shortest way to a broken one."""

from __future__ import annotations

from dataclasses import dataclass

from .canonical import canonical
from .enabled import all_enabled, enabled
from .invariants import broken
from .names import Names
from .real import Disagreement
from .state import Rules, State, initial


@dataclass(frozen=True, slots=True)
class Found:
    """What an exploration came to. *trace* is empty when all invariants hold."""

    states: int
    steps: int
    longest: int
    ends: int
    problem: str | None
    trace: list[str]


def explore(rules: Rules, most_states: int | None = None) -> Found:
    """Visit every state; stop at the first that breaks an invariant.

    Of a state that was visited only a 64-bit hash is kept, with that of the one before it. Raises
    MemoryError when there are more than *most_states*.
    """
    start = canonical(initial(rules), rules)
    came_from: dict[int, int] = {hash(start): 0}
    level, depth, steps, ends = [start], 0, 0, 0
    while level:
        below: list[State] = []
        for state in level:
            here = hash(state)
            possible = list(enabled(state, rules))
            for step in possible:
                steps += 1
                try:
                    after = canonical(step.take(state, rules), rules)
                except Disagreement as error:
                    trace = [*_trace(rules, came_from, here), str(step)]
                    return Found(len(came_from), steps, depth, ends, str(error), trace)
                there = hash(after)
                if there not in came_from:
                    came_from[there] = here
                    below.append(after)
            ended = not any(step.must_happen for step in possible) and is_end(state, rules)
            ends += ended
            problem = broken(state, ended=ended)
            if problem:
                trace = _trace(rules, came_from, here)
                return Found(len(came_from), steps, depth, ends, problem, trace)
        if most_states is not None and len(came_from) > most_states:
            raise MemoryError(
                f"more than {most_states} states at depth {depth}: use smaller numbers"
            )
        level = below
        depth += 1
    return Found(len(came_from), steps, depth - 1, ends, None, [])


def is_end(state: State, rules: Rules) -> bool:
    """Tell whether nothing is left that has to happen: only faults, and commands that may be late."""
    return not any(step.must_happen for step in all_enabled(state, rules))


def _trace(rules: Rules, came_from: dict[int, int], last: int) -> list[str]:
    """Return the steps to the state with hash *last*, in words."""
    hashes = [last]
    while came_from[hashes[-1]]:
        hashes.append(came_from[hashes[-1]])
    names = Names(rules)
    state = names.renamed(initial(rules), rules)
    lines = []
    for wanted in hashes[-2::-1]:
        for step in enabled(state, rules):
            after = step.take(state, rules)
            if hash(canonical(after, rules)) == wanted:
                lines.append(names.told(step))
                state = names.renamed(after, rules)
                break
    return lines
