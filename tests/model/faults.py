"""Faults: connections break, replies get lost, requests come late, processes die or freeze.

A request that is lost and one that comes late are one fault here: what was on the wire may be
executed at any later time, or never. What is late of one script about several jobs is executed job
by job, in any order, with anything in between: more can happen here than on a server.
"""

from __future__ import annotations

from . import mistakes, scripts
from .courier import restaged
from .real import Real
from .state import (
    ADOPT,
    ANSWERED,
    BACK,
    DEAD,
    FETCH,
    HAND_BACK,
    LATE_BACK,
    LATE_CLAIM,
    LATE_COMMIT,
    LATE_EPOCH,
    LATE_FETCH,
    LATE_REGISTER,
    LATE_SETTLE,
    NO_OWNER,
    NOTHING,
    PENDING,
    READY,
    SENT,
    VERDICT,
    WAITING,
    WIRE,
    WORKER,
    Job,
    Late,
    LateCall,
    Process,
    Rules,
    State,
    Token,
    new_owner,
    with_job,
    with_owner,
    with_process,
)
from .step import fault
from .worker import abandoned, poller_named


@fault("process {0}'s connection breaks; what Redis has not executed may come later, or never")
def breaks(state: State, rules: Rules, p: int) -> State:
    """The courier closes it, unread: all that it sent may or may not have happened."""
    process = state.processes[p]
    resent = rules.mistake == mistakes.RESENT_FETCH and process.tail == FETCH
    state = _on_the_wire(state, p)
    for j, job in enumerate(state.jobs):
        if any(entry.process == p for entry in job.entries):
            state = with_job(state, j, restaged(job, p, _after_break(rules.mistake, resent)))
    if resent:
        return with_process(state, p, phase=WAITING, tail=FETCH, reply=PENDING)
    state = with_process(state, p, tail=NOTHING, reply=PENDING)
    if rules.mistake == mistakes.NO_RECONCILE:
        return with_process(state, p, phase=READY)
    return _doubtful(state, rules, p)


def _doubtful(state: State, rules: Rules, p: int) -> State:
    real = Real(state, p)
    real.owner.doubts()
    return real.written(state, rules)


def _after_break(mistake: str, resent: bool) -> dict[int, int | None]:
    changes: dict[int, int | None] = {SENT: VERDICT, ANSWERED: VERDICT, WIRE: None}
    if mistake == mistakes.STRUCK_EARLY:
        changes |= {SENT: None, ANSWERED: None}
    if mistake == mistakes.NO_RECONCILE:
        changes[BACK] = None
    if resent:
        changes = {ANSWERED: SENT}
    return changes


def _on_the_wire(state: State, p: int) -> State:
    """Return *state* with what *p* sent, and Redis has not executed, among the late commands."""
    process = state.processes[p]
    if process.phase != WAITING:
        return state
    pending = process.reply == PENDING
    for j, job in enumerate(state.jobs):
        late = [
            Late(LATE_SETTLE, entry.verdict, entry.token, 0)
            for entry in job.entries
            if entry.process == p and entry.stage == SENT
        ]
        if process.tail == HAND_BACK and pending:
            late += [
                Late(LATE_BACK, 0, entry.token, process.epoch)
                for entry in job.entries
                if entry.process == p and entry.stage == BACK
            ]
        if late:
            state = with_job(state, j, _with_late(job, *late))
    if process.tail == FETCH and pending:
        state = _late_call(state, process.owner, LateCall(LATE_FETCH, process.epoch))
    return state


def _with_late(job: Job, *late: Late) -> Job:
    return job._replace(late=tuple(sorted((*job.late, *late))))


def _late_call(state: State, o: int, call: LateCall) -> State:
    return with_owner(state, o, late=tuple(sorted((*state.owners[o].late, call))))


@fault("process {0} crashes")
def crashes(state: State, rules: Rules, p: int) -> State:
    """Its memory is gone; what it had sent may still be executed. (So it is after a stop in order,
    whose deadline has come: then it lapses by its own hand, at once.)"""
    return ended(state, p)


def ended(state: State, p: int) -> State:
    """Return *state* with process *p* dead."""
    state = _on_the_wire(state, p)
    everything: dict[int, int | None] = dict.fromkeys(range(WIRE, 9))
    jobs = tuple(
        restaged(job, p, everything) if any(e.process == p for e in job.entries) else job
        for job in state.jobs
    )
    processes = list(state.processes)
    processes[p] = Process(DEAD, NO_OWNER)
    return state._replace(jobs=jobs, processes=tuple(processes))


@fault("process {0} does not beat for longer than its lease (frozen, or cut off)")
def freezes(state: State, rules: Rules, p: int) -> State:
    """Between any two of its steps; it goes on later, and nobody has told it."""
    process = state.processes[p]
    if process.poller:
        state = with_owner(state, process.poller, lease=False)
    state = with_owner(state, process.owner, lease=False)
    return with_process(state, p, permit=False)


@fault("a client pushes job {0}; the reply is lost")
def push_reply_lost(state: State, rules: Rules, j: int) -> State:
    """The client gets an error that says so, and that is all."""
    state = scripts.push(state, j)
    return scripts.push(state, j) if rules.mistake == mistakes.RESENT_PUSH else state


@fault("process {0} registers; the reply is lost")
def registration_reply_lost(state: State, rules: Rules, p: int) -> State:
    """It tries again, by another name."""
    return _renamed(scripts.register(state, state.processes[p].owner), rules, p)


@fault("process {0} registers; the request is on its way for long")
def registration_late(state: State, rules: Rules, p: int) -> State:
    """It tries again, by another name."""
    state = _late_call(state, state.processes[p].owner, LateCall(LATE_REGISTER, 0))
    return _renamed(state, rules, p)


def _renamed(state: State, rules: Rules, p: int) -> State:
    if rules.mistake == mistakes.SAME_NAME:
        return state
    state, owner = new_owner(state, WORKER)
    return with_process(state, p, owner=owner)


@fault("process {0} begins a new epoch; the reply is lost")
def epoch_reply_lost(state: State, rules: Rules, p: int) -> State:
    """It is as uncertain as before."""
    process = state.processes[p]
    return scripts.begin_epoch(state, process.owner, process.epoch + 1)[0]


@fault("process {0} begins a new epoch; the request is on its way for long")
def epoch_late(state: State, rules: Rules, p: int) -> State:
    """It is as uncertain as before."""
    process = state.processes[p]
    return _late_call(state, process.owner, LateCall(LATE_EPOCH, process.epoch + 1))


@fault("process {0} does not get the list of what it holds")
def listing_lost(state: State, rules: Rules, p: int) -> State:
    """The inbox's jobs are put back."""
    return _doubtful(state, rules, p)


@fault("process {0} does not get the jobs that it adopts")
def adopting_lost(state: State, rules: Rules, p: int) -> State:
    """They are still not in its ledger."""
    for j, job in enumerate(state.jobs):
        if any(entry.process == p and entry.stage == ADOPT for entry in job.entries):
            state = with_job(state, j, restaged(job, p, {ADOPT: None}))
    return _doubtful(state, rules, p)


@fault("process {0}'s poller claims job {1}; the reply is lost")
def claim_reply_lost(state: State, rules: Rules, p: int, j: int) -> State:
    """It abandons its name, whose claims are in an unknown state."""
    state = poller_named(state, p)
    return abandoned(scripts.claim(state, rules, state.processes[p].poller, j)[0], p)


@fault("process {0}'s poller claims; the request is on its way for long")
def claim_late(state: State, rules: Rules, p: int) -> State:
    """It abandons its name."""
    state = poller_named(state, p)
    state = _late_call(state, state.processes[p].poller, LateCall(LATE_CLAIM, 0))
    return abandoned(state, p)


@fault("process {0}'s poller commits job {1}; the reply is lost")
def commit_reply_lost(state: State, rules: Rules, p: int, j: int, token: Token) -> State:
    """It abandons its name."""
    return abandoned(scripts.commit(state, j, token), p)


@fault("process {0}'s poller commits job {1}; the request is on its way for long")
def commit_late(state: State, rules: Rules, p: int, j: int, token: Token) -> State:
    """It abandons its name."""
    state = with_job(state, j, _with_late(state.jobs[j], Late(LATE_COMMIT, 0, token, 0)))
    return abandoned(state, p)
