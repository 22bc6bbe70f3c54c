"""One form for all states that differ only in names, or in what can't matter any more.

Sound, not complete: two states with one form behave alike; some that behave alike have two forms.
"""

from __future__ import annotations

from . import mistakes
from .scripts import may_come_back
from .state import (
    BACK,
    BUFFER,
    DEAD,
    LATE_BACK,
    LATE_EPOCH,
    LATE_FETCH,
    LATE_REGISTER,
    NO_OWNER,
    NO_TOKEN,
    WIRE,
    Entry,
    Job,
    Late,
    LateCall,
    Owner,
    Place,
    Process,
    Rules,
    State,
    Token,
    active,
    is_in_flight,
)

_GONE = Process(DEAD, NO_OWNER)
_WITH_EPOCH = (LATE_FETCH, LATE_EPOCH)


def canonical(state: State, rules: Rules) -> State:
    """Return *state* with processes, owners and jobs in order, numbered anew."""
    return in_order(state, rules)[0]


def in_order(state: State, rules: Rules) -> tuple[State, list[int], list[int], list[int]]:
    """Return the canonical form of *state*, and which old numbers stand where in it: processes,
    owners (from 1 on), jobs."""
    state = without_dead_letters(state, rules)
    processes = _process_order(state)
    owners = _owner_order(state, processes)
    bases = _epoch_bases(state, owners)
    place_of = {p: at for at, p in enumerate(processes)}
    number_of = {o: at for at, o in enumerate(owners, start=1)}
    number_of[NO_OWNER] = NO_OWNER
    renamed = [_renamed_job(job, place_of, number_of, bases) for job in state.jobs]
    jobs = sorted(range(len(renamed)), key=renamed.__getitem__)
    after = State(
        tuple(renamed[j] for j in jobs),
        tuple(_renamed_process(state.processes[p], number_of, bases) for p in processes),
        (state.owners[NO_OWNER], *(_renamed_owner(state, o, bases[o]) for o in owners)),
        state.faults,
        state.failures,
        state.parent,
    )
    return after, processes, owners, jobs


def without_dead_letters(state: State, rules: Rules) -> State:
    """Return *state* without late commands that can do nothing, whenever they arrive, and without
    what processes have of deliveries that are over, where it makes no difference to them."""
    jobs = tuple(
        job._replace(
            entries=tuple(each for each in job.entries if _matters(rules, job, each)),
            late=tuple(each for each in job.late if _may_act(state, rules, job, each)),
        )
        if job.late or job.entries
        else job
        for job in state.jobs
    )
    if not any(owner.late for owner in state.owners):
        return state._replace(jobs=jobs)
    owners = tuple(
        owner._replace(late=tuple(each for each in owner.late if _may_call(state, rules, o, each)))
        if owner.late
        else owner
        for o, owner in enumerate(state.owners)
    )
    return state._replace(jobs=jobs, owners=owners)


def _matters(rules: Rules, job: Job, entry: Entry) -> bool:
    """A job that ran, or goes back, or is to be adopted: nothing comes of it when its token is gone.

    One that may still start, or whose fetch is being read, does matter.
    """
    if entry.stage in (WIRE, BUFFER) or is_in_flight(job, entry.token):
        return True
    if entry.stage == BACK and rules.mistake == mistakes.STILL_IN_INBOX:
        return True
    return rules.mistake == mistakes.NO_TOKEN_CHECK


def _may_act(state: State, rules: Rules, job: Job, late: Late) -> bool:
    if rules.mistake == mistakes.NO_TOKEN_CHECK:
        return True
    if not is_in_flight(job, late.token):
        return False
    if late.what != LATE_BACK or rules.mistake == mistakes.NO_EPOCH:
        return True
    owner = state.owners[late.token.owner]
    if may_come_back(state, late.token.owner):
        return True
    return owner.record and late.epoch >= owner.epoch


def _may_call(state: State, rules: Rules, o: int, call: LateCall) -> bool:
    owner = state.owners[o]
    if call.what == LATE_REGISTER or may_come_back(state, o):
        return True
    if not owner.record:
        return False
    if call.what == LATE_FETCH and rules.mistake != mistakes.NO_EPOCH:
        return call.epoch >= owner.epoch
    return True


def _process_order(state: State) -> list[int]:
    keys = []
    for p, process in enumerate(state.processes):
        owner = state.owners[process.owner]
        held = sorted(
            (job.spent, tuple(place.where for place in job.places), entry.stage, entry.verdict)
            for job in state.jobs
            for entry in job.entries
            if entry.process == p
        )
        keys.append(
            (
                process.phase,
                process.permit,
                process.fenced,
                process.tail,
                process.reply,
                process.poller != NO_OWNER,
                owner[1:5],
                len(owner.late),
                held,
            )
        )
    return sorted(range(len(keys)), key=keys.__getitem__)


def _owner_order(state: State, processes: list[int]) -> list[int]:
    mine = []
    for p in processes:
        process = state.processes[p]
        if process.phase != DEAD:
            mine.append(process.owner)
            if process.poller:
                mine.append(process.poller)
    tokens: dict[int, list[int]] = {}
    for job in state.jobs:
        for place in job.places:
            tokens.setdefault(place.token.owner, []).append(-1)
        for entry in job.entries:
            tokens.setdefault(entry.token.owner, []).append(entry.stage)
        for late in job.late:
            tokens.setdefault(late.token.owner, []).append(100 + late.what)
    others = []
    for o in range(1, len(state.owners)):
        owner = state.owners[o]
        if o not in mine and (
            owner.record or owner.lapsed or owner.known or owner.late or o in tokens
        ):
            key = (owner.kind, owner[1:4], sorted(tokens.get(o, ())), owner.late)
            others.append((key, o))
    return mine + [o for _, o in sorted(others)]


def _epoch_bases(state: State, owners: list[int]) -> dict[int, int]:
    """Return what is taken from each epoch of an owner: only their order counts."""
    epochs: dict[int, list[int]] = {o: [] for o in owners}
    for o in owners:
        if state.owners[o].record:
            epochs[o].append(state.owners[o].epoch)
        epochs[o] += [call.epoch for call in state.owners[o].late if call.what in _WITH_EPOCH]
    for process in state.processes:
        if process.phase != DEAD:
            epochs[process.owner].append(process.epoch)
    for job in state.jobs:
        for late in job.late:
            if late.what == LATE_BACK:
                epochs[late.token.owner].append(late.epoch)
    return {o: min(known, default=0) for o, known in epochs.items()}


def _renamed_process(process: Process, number_of: dict[int, int], bases: dict[int, int]) -> Process:
    if process.phase == DEAD:
        return _GONE
    return process._replace(
        owner=number_of[process.owner],
        epoch=process.epoch - bases[process.owner],
        poller=number_of[process.poller],
    )


def _renamed_owner(state: State, o: int, base: int) -> Owner:
    owner = state.owners[o]
    late = owner.late
    if late and base:
        late = tuple(
            LateCall(call.what, call.epoch - base if call.what in _WITH_EPOCH else 0)
            for call in late
        )
    epoch = owner.epoch - base if owner.record else 0
    lease = owner.lease and active(state, o)
    return Owner(owner.kind, owner.record, owner.lapsed, owner.known, lease, epoch, late)


def _renamed_job(
    job: Job, place_of: dict[int, int], number_of: dict[int, int], bases: dict[int, int]
) -> Job:
    """Return *job* with its deliveries numbered anew, in their order."""
    if not job.entries and not job.late and job.places[-1:] and not job.places[-1].token.owner:
        return job  # nothing refers to a delivery of it
    used = {place.token.number for place in job.places}
    used |= {entry.token.number for entry in job.entries}
    used |= {late.token.number for late in job.late}
    used.discard(0)
    rank = {number: at for at, number in enumerate(sorted(used), start=1)}

    def token(old: Token) -> Token:
        return Token(number_of[old.owner], rank[old.number]) if old.owner else NO_TOKEN

    return Job(
        tuple(sorted(Place(place.where, token(place.token)) for place in job.places)),
        job.spent,
        job.overrun,
        job.foreign,
        tuple(
            sorted(
                Entry(place_of[e.process], e.stage, e.verdict, token(e.token)) for e in job.entries
            )
        ),
        tuple(
            sorted(
                Late(
                    late.what,
                    late.verdict,
                    token(late.token),
                    late.epoch - bases[late.token.owner] if late.what == LATE_BACK else 0,
                )
                for late in job.late
            )
        ),
    )
