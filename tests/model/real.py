"""kiq's own ``Owner`` at work in the model: each step of a process that is one of its rules calls it.

The states of the model are compact, so that they can be hashed. For a step the owner of a process is made
as the state has it, the step calls it, and the state is written as the owner has it then: its phase, its
epoch, its permit, its ledger. What the ledger holds after a step is looked at, too.
"""

from __future__ import annotations

from kiq.verdict import Taken
from kiq.work.owner import Owner, Phase

from .state import (
    ANSWERED,
    BACK,
    BUFFER,
    OK,
    RUN,
    SENT,
    STALE,
    VERDICT,
    Rules,
    State,
    Token,
    with_process,
)

SOURCE = "queue:a"
#: What a process has of a delivery that its ledger holds, under the name that it has now.
LEDGER = (BUFFER, BACK, RUN, VERDICT, SENT, ANSWERED)
FOREVER, NEVER = float("inf"), float("-inf")
PHASES = tuple(Phase)

#: What scripts answer, in kiq's words.
ANSWERS = {OK: "ok", STALE: "stale"}

Delivery = tuple[int, Token]


class Disagreement(AssertionError):
    """kiq's owner knows something else than the process of the model."""


def id_of(delivery: Delivery) -> str:
    """Return a delivery id like kiq's: call number and index."""
    j, token = delivery
    return f"{token.number}.{j + 1}"


def answer(reply: int) -> str:
    """Return *reply* in the words of kiq's scripts."""
    return ANSWERS.get(reply, "fenced")


def deliveries(state: State, p: int, *stages: int) -> list[Delivery]:
    """Return what process *p* has in *stages*, under the name that it has now."""
    owner = state.processes[p].owner
    return [
        (j, entry.token)
        for j, job in enumerate(state.jobs)
        for entry in job.entries
        if entry.process == p and entry.token.owner == owner and entry.stage in stages
    ]


class Real:
    """The owner of process *p* as *state* has it."""

    def __init__(self, state: State, p: int) -> None:
        process = state.processes[p]
        self.p = p
        self.owner = owner = Owner(str(process.owner), [SOURCE])
        self.flight = owner.flight(SOURCE)
        self._taken: dict[str, Taken] = {}
        self.took(deliveries(state, p, *LEDGER))
        owner.handing_back(self.known(deliveries(state, p, BACK)))
        owner.phase = PHASES[process.phase]
        owner.epoch = process.epoch
        owner.fenced = process.fenced
        owner.permit.until = FOREVER if process.permit else NEVER

    def took(self, named: list[Delivery]) -> None:
        """Let the owner take what *named* says."""
        jobs = {id_of(each): Taken(id_of(each), self.flight, b"", 0.0) for each in named}
        self._taken |= jobs
        self.owner.took(jobs.values())

    def known(self, named: list[Delivery]) -> list[Taken]:
        """Return what the owner took as *named*."""
        return [self._taken[id_of(each)] for each in named]

    def written(self, state: State, rules: Rules) -> State:
        """Return *state* as the owner has it now; raises Disagreement when the ledgers differ."""
        owner = self.owner
        if not rules.mistake:
            check_ledger(owner, state, self.p)
        return with_process(
            state,
            self.p,
            phase=owner.phase.value,
            epoch=owner.epoch,
            fenced=owner.fenced,
            permit=owner.permit.until == FOREVER,
        )


def check_ledger(owner: Owner, state: State, p: int) -> None:
    """Raise Disagreement unless *owner* knows just what process *p* has in *state*."""
    ledger = {id_of(each) for each in deliveries(state, p, *LEDGER)}
    lacking = {each for each in ledger if each not in owner}
    if lacking:
        raise Disagreement(f"process {p}: kiq's ledger lacks {lacking}")
    if len(owner) != len(ledger) or owner.flight(SOURCE).held != len(ledger):
        raise Disagreement(f"process {p}: kiq's ledger holds more than {ledger}")
