"""Names for a trace: each state is numbered anew, but a reader wants the same name from step to step."""

from __future__ import annotations

from .canonical import in_order
from .state import Rules, State
from .step import Step


class Names:
    """What the processes, owners and jobs of the present state are called in the trace."""

    def __init__(self, rules: Rules) -> None:
        self._processes = list(range(rules.processes))
        self._jobs = list(range(rules.jobs))
        self._owners = list(range(rules.processes + 1))
        self._next_owner = rules.processes + 1

    def told(self, step: Step) -> str:
        """Return *step* in words, with these names."""
        return step.told(self._processes, self._jobs, self._owners)

    def renamed(self, state: State, rules: Rules) -> State:
        """Return the canonical form of *state*, and go on with its numbers."""
        while len(self._owners) < len(state.owners):
            self._owners.append(self._next_owner)
            self._next_owner += 1
        after, processes, owners, jobs = in_order(state, rules)
        self._processes = [self._processes[p] for p in processes]
        self._owners = [0, *(self._owners[o] for o in owners)]
        self._jobs = [self._jobs[j] for j in jobs]
        return after
