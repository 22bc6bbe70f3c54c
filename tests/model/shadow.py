"""One owner of kiq that lives through all steps of its process: the model makes one anew for each.

What an owner keeps from step to step, and the model does not know of, would show here: after each step
both have to agree on phase, epoch, fence and ledger.
"""

from __future__ import annotations

from kiq.verdict import Taken
from kiq.work.owner import Owner

from .real import (
    FOREVER,
    PHASES,
    SOURCE,
    Delivery,
    Disagreement,
    answer,
    check_ledger,
    deliveries,
    id_of,
)
from .state import (
    ADOPT,
    ANSWERED,
    BUFFER,
    DEAD,
    FETCH,
    FLIGHT,
    HAND_BACK,
    UNCERTAIN,
    WIRE,
    State,
)
from .step import Step


class Shadow:
    """The owner of one process. Raises Disagreement when the model's differs."""

    def __init__(self, p: int, name: int) -> None:
        self._p = p
        self._name = name
        self._owner = Owner(str(name), [SOURCE])
        self._taken: dict[Delivery, Taken] = {}

    def follow(self, step: Step, before: State, after: State) -> None:
        """Live through *step* of this process, and compare."""
        process = after.processes[self._p]
        if process.phase == DEAD or process.owner != self._name:
            self.__init__(self._p, process.owner)  # type: ignore[misc]
        elif step.is_fault:
            if process.phase == UNCERTAIN:
                self._owner.doubts()
        elif does := getattr(self, f"_{step.function.__name__}", None):
            does(before, after)
        if process.phase != DEAD:
            self._compare(after)

    def _registers(self, before: State, after: State) -> None:
        self._owner.registered(FOREVER)

    def _writes(self, before: State, after: State) -> None:
        self._owner.asks()

    _writes_fetch = _writes

    def _writes_hand_back(self, before: State, after: State) -> None:
        self._owner.handing_back(self._known(before, BUFFER))
        self._owner.asks()

    def _reads(self, before: State, after: State) -> None:
        process = before.processes[self._p]
        self._owner.answered()
        self._owner.settled(self._known(before, ANSWERED))
        if process.tail == FETCH and self._owner.hears(answer(process.reply)):
            self._took(deliveries(before, self._p, WIRE))
        elif process.tail == HAND_BACK and self._owner.hears(answer(process.reply)):
            self._owner.handed_back()

    def _beats(self, before: State, after: State) -> None:
        if after.processes[self._p].fenced:
            self._owner.fence()

    def _begins_epoch(self, before: State, after: State) -> None:
        process = after.processes[self._p]
        if process.fenced:
            self._owner.fence()
        else:
            self._owner.begins(process.epoch)

    def _lists(self, before: State, after: State) -> None:
        held = {
            id_of((j, place.token))
            for j, job in enumerate(before.jobs)
            for place in job.places
            if place.where == FLIGHT and place.token.owner == self._name
        }
        unstarted = self._known(before, BUFFER)
        plan = self._owner.reconcile({self._owner.flight(SOURCE): held}, unstarted)
        adopt = {id_of(each) for each in deliveries(after, self._p, ADOPT)}
        found = {id_ for ids in plan.adopt.values() for id_ in ids}
        if found != adopt:
            raise Disagreement(f"process {self._p}: it adopts {found}, not {adopt}")

    def _adopts(self, before: State, after: State) -> None:
        kept = deliveries(after, self._p, BUFFER)
        self._took([each for each in deliveries(before, self._p, ADOPT) if each in kept])
        self._owner.adopted()

    def _took(self, named: list[Delivery]) -> None:
        flight = self._owner.flight(SOURCE)
        jobs = [Taken(id_of(each), flight, b"", 0.0) for each in named]
        self._taken.update(zip(named, jobs, strict=True))
        self._owner.took(jobs)

    def _known(self, state: State, *stages: int) -> list[Taken]:
        return [self._taken[each] for each in deliveries(state, self._p, *stages)]

    def _compare(self, state: State) -> None:
        process = state.processes[self._p]
        owner = self._owner
        here = owner.phase, owner.epoch, owner.fenced
        there = PHASES[process.phase], process.epoch, process.fenced
        if here != there:
            raise Disagreement(f"process {self._p}: it is {here}, in the model {there}")
        check_ledger(owner, state, self._p)
