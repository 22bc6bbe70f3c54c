"""kiq's own ledger beside the model's: ``kiq.work.ownership.Ownership`` lives through the same steps.

The exploration has a compact ledger; here both have to agree after each step, and above all on what
a reconciliation adopts and drops.
"""

from __future__ import annotations

from kiq.verdict import Taken
from kiq.work.ownership import Ownership

from .state import (
    ADOPT,
    ANSWERED,
    BACK,
    BUFFER,
    DEAD,
    FLIGHT,
    OK,
    RUN,
    SENT,
    VERDICT,
    WIRE,
    State,
    Token,
)
from .step import Step

_SOURCE = "queue:a"
_LEDGER = (BUFFER, BACK, RUN, VERDICT, SENT, ANSWERED)

Delivery = tuple[int, Token]


class Shadow:
    """The real ownership of one process. Raises AssertionError when the model's ledger differs."""

    def __init__(self, p: int, owner: int) -> None:
        self._p = p
        self._owner = owner
        self._real = Ownership(str(owner), [_SOURCE])
        self._taken: dict[Delivery, Taken] = {}

    def follow(self, step: Step, before: State, after: State) -> None:
        """Live through *step* of this process, and compare."""
        does = getattr(self, f"_{step.function.__name__}", None)
        if does is not None and step.args[0] == self._p:
            does(before, after)
        process = after.processes[self._p]
        if process.phase == DEAD or process.owner != self._owner:
            self.__init__(self._p, process.owner)  # type: ignore[misc]
        self._compare(after)

    def _reads(self, before: State, after: State) -> None:
        process = before.processes[self._p]
        self._real.settled(self._known(before, ANSWERED))
        if process.reply != OK:
            return
        self._took(self._deliveries(before, WIRE))
        if self._deliveries(before, BACK):
            self._real.handed_back()

    def _writes_hand_back(self, before: State, after: State) -> None:
        self._real.handing_back(self._known(after, BACK))

    def _lists(self, before: State, after: State) -> None:
        unstarted = self._known(before, BUFFER)
        held = {
            _id((j, place.token))
            for j, job in enumerate(before.jobs)
            for place in job.places
            if place.where == FLIGHT and place.token.owner == self._owner
        }
        flight = self._real.flight(_SOURCE)
        plan = self._real.reconcile(before.processes[self._p].epoch, {flight: held}, unstarted)
        adopt = {_id(each) for each in self._deliveries(after, ADOPT)}
        assert set(plan.adopt.get(flight, ())) == adopt, f"adopts {plan.adopt}, not {adopt}"
        waiting = [*self._deliveries(before, BUFFER), *self._deliveries(before, BACK)]
        kept = [*self._deliveries(after, BUFFER), *self._deliveries(after, ADOPT)]
        dropped = {_id(each) for each in waiting if each not in kept}
        assert set(plan.drop) == dropped, f"drops {plan.drop}, not {dropped}"

    def _adopts(self, before: State, after: State) -> None:
        kept = self._deliveries(after, BUFFER)
        self._took([each for each in self._deliveries(before, ADOPT) if each in kept])

    def _becomes_another(self, before: State, after: State) -> None:
        self._real.fence()

    def _took(self, deliveries: list[Delivery]) -> None:
        flight = self._real.flight(_SOURCE)
        jobs = [Taken(_id(each), flight, b"", 0.0) for each in deliveries]
        self._taken.update(zip(deliveries, jobs, strict=True))
        self._real.took(jobs)

    def _deliveries(self, state: State, *stages: int) -> list[Delivery]:
        return [
            (j, entry.token)
            for j, job in enumerate(state.jobs)
            for entry in job.entries
            if entry.process == self._p
            and entry.token.owner == self._owner
            and entry.stage in stages
        ]

    def _known(self, state: State, *stages: int) -> list[Taken]:
        return [self._taken[each] for each in self._deliveries(state, *stages)]

    def _compare(self, state: State) -> None:
        ledger = {_id(each) for each in self._deliveries(state, *_LEDGER)}
        real = {each for each in ledger if each in self._real}
        assert real == ledger, f"process {self._p}: kiq's ledger lacks {ledger - real}"
        assert len(self._real) == len(ledger), f"process {self._p}: kiq's ledger holds more"
        flight = self._real.flight(_SOURCE)
        assert self._real.agrees(flight, len(ledger)), f"process {self._p}: kiq's count differs"


def _id(delivery: Delivery) -> str:
    """Return a delivery id like kiq's: call number and index."""
    j, token = delivery
    return f"{token.number}.{j + 1}"
