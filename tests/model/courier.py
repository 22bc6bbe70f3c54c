"""The courier: what it sends, what it reads. What either means for its owner kiq's own class decides.

One write is outstanding, ever; its commands are executed one by one (:mod:`.server`). Where jobs are (on
the wire, waiting, running) the model keeps itself; which phase comes next, what a reply means, what is
adopted and dropped after an outcome that nobody saw, is up to :class:`kiq.work.owner.Owner`
(:mod:`.real`).

Left out, so that the protocol must do without: the comparison of the ledger with the ``HLEN`` that
each fetch brings. Left out as well: suspects, the bell, several queues.
"""

from __future__ import annotations

from kiq.work.owner import Owner

from . import mistakes, scripts
from .real import FOREVER, Real, answer, deliveries, id_of
from .state import (
    ADOPT,
    ANSWERED,
    BACK,
    BUFFER,
    FETCH,
    FLIGHT,
    HAND_BACK,
    NOTHING,
    PENDING,
    SENT,
    VERDICT,
    WIRE,
    WORKER,
    Entry,
    Job,
    Rules,
    State,
    new_owner,
    with_entries,
    with_job,
    with_process,
)
from .step import step

WAITING_JOBS = (BUFFER, BACK, ADOPT)  # what a process has that did not start


@step("process {0} registers")
def registers(state: State, rules: Rules, p: int) -> State:
    """The courier becomes known, with a lease, before it takes anything."""
    state = scripts.register(state, state.processes[p].owner)
    real = Real(state, p)
    real.owner.registered(FOREVER)
    return real.written(state, rules)


@step("process {0} learns that it is fenced: it drops what did not start and takes a new name")
def becomes_another(state: State, rules: Rules, p: int) -> State:
    """Jobs that run, and verdicts, stay; they are none of the new name's ledger."""
    Real(state, p).owner.falls()
    state, owner = new_owner(state, WORKER)
    state = _restage(state, p, dict.fromkeys(WAITING_JOBS))
    return as_new(state, p, owner)


@step("process {0} writes: its verdicts, nothing else")
def writes(state: State, rules: Rules, p: int) -> State:
    """Every verdict that waits goes out."""
    return _written(state, rules, p, NOTHING)


@step("process {0} writes: its verdicts, and a fetch")
def writes_fetch(state: State, rules: Rules, p: int) -> State:
    """Verdicts first, then the fetch, in one write."""
    return _written(state, rules, p, FETCH)


@step("process {0} writes: its verdicts, and a hand-back of its inbox")
def writes_hand_back(state: State, rules: Rules, p: int) -> State:
    """The jobs are taken out of the inbox first: whoever takes one out owns it."""
    return _written(_restage(state, p, {BUFFER: BACK}), rules, p, HAND_BACK)


def _written(state: State, rules: Rules, p: int, tail: int) -> State:
    state = _restage(state, p, {VERDICT: SENT})
    real = Real(state, p)  # it knows what it hands back: that was in its inbox
    real.owner.asks()
    return with_process(real.written(state, rules), p, tail=tail, reply=PENDING)


@step("process {0} reads the replies")
def reads(state: State, rules: Rules, p: int) -> State:
    """Verdicts are confirmed and struck from the ledger; jobs enter it, or leave it for good."""
    process, real = state.processes[p], Real(state, p)
    owner = real.owner
    owner.answered()
    owner.settled(real.known(deliveries(state, p, ANSWERED)))
    changes: dict[int, int | None] = {ANSWERED: None}
    if process.tail == FETCH:
        owner.hears(answer(process.reply))
        real.took(deliveries(state, p, WIRE))
        changes[WIRE] = BUFFER
    elif process.tail == HAND_BACK and owner.hears(answer(process.reply)):
        owner.handed_back()
        changes[BACK] = None
    state = real.written(_restage(state, p, changes), rules)
    return with_process(state, p, tail=NOTHING, reply=PENDING)


@step("process {0} begins a new epoch, and takes its inbox out")
def begins_epoch(state: State, rules: Rules, p: int) -> State:
    """From here on nothing that the old connection sent can act. No record: fenced."""
    process = state.processes[p]
    state, epoch = scripts.begin_epoch(state, process.owner, process.epoch + 1)
    real = Real(state, p)
    if epoch:
        real.owner.begins(epoch)
    else:
        real.owner.fence()
    return real.written(state, rules)


@step("process {0} lists what Redis holds for it, and compares its ledger")
def lists(state: State, rules: Rules, p: int) -> State:
    """In Redis and not in the ledger (or being handed back): adopt. Unstarted and not there: drop."""
    owner, real = state.processes[p].owner, Real(state, p)
    held = {
        id_of((j, place.token)): (j, place.token)
        for j, job in enumerate(state.jobs)
        for place in job.places
        if place.where == FLIGHT and place.token.owner == owner
    }
    waiting = deliveries(state, p, BUFFER)
    plan = real.owner.reconcile({real.flight: set(held)}, real.known(waiting))
    gone = {*plan.drop, *(id_of(each) for each in deliveries(state, p, BACK))}
    adopted = [held[each] for ids in plan.adopt.values() for each in ids]
    for j, job in enumerate(state.jobs):
        kept = [
            entry
            for entry in job.entries
            if (entry.process, entry.token.owner) != (p, owner)
            or id_of((j, entry.token)) not in gone
        ]
        kept += [Entry(p, ADOPT, 0, token) for at, token in adopted if at == j]
        if kept != [*job.entries]:
            state = with_job(state, j, with_entries(job, kept))
    return real.written(state, rules)


@step("process {0} reads the jobs that it adopts")
def adopts(state: State, rules: Rules, p: int) -> State:
    """What is not in flight any more when it is read is not adopted."""
    for j, job in enumerate(state.jobs):
        gone = [
            entry
            for entry in job.entries
            if entry.process == p
            and entry.stage == ADOPT
            and (FLIGHT, entry.token) not in job.places
        ]
        if gone:
            kept = [entry for entry in job.entries if entry not in gone]
            state = with_job(state, j, with_entries(job, kept))
    real = Real(state, p)
    real.took(deliveries(state, p, ADOPT))
    real.owner.adopted()
    return real.written(_restage(state, p, {ADOPT: BUFFER}), rules)


@step("process {0}'s second thread reconciles while an exchange is under way")
def second_thread_reconciles(state: State, rules: Rules, p: int) -> State:
    """Only as a mistake: what is in a reply that nobody has read looks unknown, and is adopted."""
    assert rules.mistake == mistakes.SECOND_THREAD
    owner = state.processes[p].owner
    for j, job in enumerate(state.jobs):
        known = {e.token for e in job.entries if e.process == p and e.stage != WIRE}
        held = {place.token for place in job.places if place.where == FLIGHT}
        strange = [token for token in held - known if token.owner == owner]
        if strange:
            adopted = [*job.entries, *(Entry(p, BUFFER, 0, token) for token in strange)]
            state = with_job(state, j, with_entries(job, adopted))
    return state


def as_new(state: State, p: int, name: int) -> State:
    """Return *state* with a new owner for process *p*, called *name*."""
    owner = Owner(str(name), ())
    return with_process(
        state,
        p,
        phase=owner.phase.value,
        owner=name,
        epoch=owner.epoch,
        permit=owner.permit.until == FOREVER,
        fenced=owner.fenced,
    )


def _restage(state: State, p: int, changes: dict[int, int | None]) -> State:
    """Return *state* with the entries of *p* moved to other stages (None: struck out)."""
    for j, job in enumerate(state.jobs):
        if any(entry.process == p and entry.stage in changes for entry in job.entries):
            state = with_job(state, j, restaged(job, p, changes))
    return state


def restaged(job: Job, p: int, changes: dict[int, int | None]) -> Job:
    """Return *job* with the entries of *p* moved to other stages (None: struck out)."""
    entries = []
    for entry in job.entries:
        if entry.process == p and entry.stage in changes:
            stage = changes[entry.stage]
            if stage is None:
                continue
            entry = entry._replace(stage=stage)
        entries.append(entry)
    return with_entries(job, entries)
