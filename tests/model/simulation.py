"""A larger fleet, one random order of events and faults for each seed; then the faults stop.

The steps are those of the exploration, none left out. Parts of kiq that are pure take part: ``Owner``
(:mod:`.real`, and one that lives through all of it, :mod:`.shadow`), ``Absence`` decides when a frozen
process is declared dead, and ``Pace`` how much is fetched.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from kiq.work.absence import Absence
from kiq.work.pace import Pace

from . import courier, reclaimer, server
from .enabled import all_enabled
from .invariants import broken
from .real import Disagreement
from .shadow import Shadow
from .state import BUFFER, DEAD, RUN, Rules, active, initial
from .step import Step

LEASE = 20.0
_MOST_TO_END = 20_000  # steps that may pass until all is settled, once no fault happens any more


class Broken(Exception):
    """An invariant, or the agreement with kiq's own ledger, is broken."""


def rules_of(seed: int, mistake: str = "") -> Rules:
    """Return how large the fleet of *seed* is."""
    dice = random.Random(seed)
    return Rules(
        processes=dice.choice((3, 4)),
        jobs=dice.randint(20, 40),
        faults=dice.randint(5, 20),
        failures=dice.randint(0, 10),
        batch=dice.randint(2, 8),
        threads=dice.randint(1, 4),
        mistake=mistake,
        parent=not mistake and seed % 3 == 0,
    )


class Simulation:
    """One seed's run. *told* gets each step in words."""

    def __init__(self, seed: int, mistake: str = "", told: Callable[[str], object] = str) -> None:
        self._dice = random.Random(seed)
        self._rules = rules_of(seed, mistake)
        self._told = told
        self.state = initial(self._rules)
        self._clock = 0.0
        self.steps = 0
        everybody = range(self._rules.processes)
        self._shadows = [Shadow(p, self.state.processes[p].owner) for p in everybody]
        self._absences: dict[int, Absence] = {}
        self._sizes = [Pace(self._rules.threads) for _ in everybody]
        self._declared: set[int] = set()

    def run(self, events: int) -> None:
        """Take *events* steps, then go on without faults until all is settled; raises Broken."""
        for _ in range(events):
            if not self._turn():
                break
        self.state = self.state._replace(faults=0)
        for _ in range(_MOST_TO_END):
            if not self._turn():
                self._check(ended=True)
                return
        raise Broken(f"not everything is settled {_MOST_TO_END} steps after the last fault")

    def _turn(self) -> bool:
        """Take one step; return False when none is left that has to happen."""
        self._clock += self._dice.uniform(0.1, 3.0)
        self._look_at_leases()
        possible = list(all_enabled(self.state, self._rules))
        if not any(step.must_happen for step in possible):
            return False
        step = self._chosen([step for step in possible if self._is_timely(step)])
        if step is not None:
            self._take(step)
        return True

    def _take(self, step: Step) -> None:
        before = self.state
        self.steps += 1
        self._told(f"{self.steps:5}. {step}")
        try:
            self.state = step.take(before, self._rules)
            if not self._rules.mistake and step.process is not None:
                self._shadows[step.process].follow(step, before, self.state)
        except Disagreement as error:
            raise Broken(f"kiq's Owner and the model differ: {error}") from error
        self._check(ended=False)

    def _check(self, *, ended: bool) -> None:
        problem = broken(self.state, ended=ended)
        if problem:
            raise Broken(problem)

    def _look_at_leases(self) -> None:
        """One process looks: whom it declares dead may lapse from now on."""
        p = self._dice.randrange(self._rules.processes)
        process = self.state.processes[p]
        if process.phase == DEAD or (process.owner and not process.permit):
            return  # who does not beat is not elected
        self._absences = {
            o: self._absences.get(o, Absence()).seen(self._clock, LEASE)
            for o, owner in enumerate(self.state.owners)
            if owner.record and not owner.lease
        }
        self._declared |= {o for o, absence in self._absences.items() if absence.proves_death}

    def _is_timely(self, step: Step) -> bool:
        if step.function is reclaimer.lapses:
            o = step.args[0]
            return o in self._declared or not active(self.state, o)
        if step.function is courier.writes_fetch:
            return self._wanted(step.args[0]) > 0
        return True

    def _wanted(self, p: int) -> int:
        entries = [e for job in self.state.jobs for e in job.entries if e.process == p]
        running = sum(entry.stage == RUN for entry in entries)
        waiting = sum(entry.stage == BUFFER for entry in entries)
        return self._sizes[p].wanted(max(1, self._rules.threads - running), waiting, 0.0)

    def _chosen(self, possible: list[Step]) -> Step | None:
        """Return a random step; faults, late commands and hand-backs are rarer than the rest."""
        if not possible:
            return None
        weights = [_weight(step) for step in possible]
        (step,) = self._dice.choices(possible, weights)
        if step.function is server.executes_fetch:
            p, jobs = step.args
            return Step(step.function, (p, jobs[: max(1, self._wanted(p))]))
        return step


def _weight(step: Step) -> float:
    if step.is_fault:
        return 0.1
    return 0.2 if step.function is courier.writes_hand_back or not step.must_happen else 1.0
