"""The courier, as ``work/courier.py`` and ``work/standing.py`` have it: what it sends, what it reads.

One write is outstanding, ever; its commands are executed one by one (:mod:`.server`). The ledger is
compact: the entries that a process has under its present name are what it knows. The simulation
holds it against kiq's own ``Ownership``.

Left out, so that the protocol must do without: the comparison of the ledger with the ``HLEN`` that
each fetch brings. Left out as well: suspects, the bell, several queues.
"""

from __future__ import annotations

from . import mistakes, scripts
from .state import (
    ADOPT,
    ANSWERED,
    BACK,
    BEGUN,
    BUFFER,
    FENCED,
    FETCH,
    FLIGHT,
    HAND_BACK,
    LISTED,
    NOTHING,
    OK,
    PENDING,
    READY,
    RUN,
    SENT,
    STALE,
    UNCERTAIN,
    UNREGISTERED,
    VERDICT,
    WAITING,
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
STARTED = (RUN, VERDICT, SENT, ANSWERED)


@step("process {0} registers")
def registers(state: State, rules: Rules, p: int) -> State:
    """The courier becomes known, with a lease, before it takes anything."""
    state = scripts.register(state, state.processes[p].owner)
    return with_process(state, p, phase=READY, permit=True)


@step("process {0} learns that it is fenced: it drops what did not start and takes a new name")
def becomes_another(state: State, rules: Rules, p: int) -> State:
    """Jobs that run, and verdicts, stay; they are none of the new name's ledger."""
    state, owner = new_owner(state, WORKER)
    state = _restage(state, p, dict.fromkeys(WAITING_JOBS))
    return with_process(
        state, p, phase=UNREGISTERED, owner=owner, epoch=1, permit=False, fenced=False
    )


@step("process {0} writes: its verdicts, nothing else")
def writes(state: State, rules: Rules, p: int) -> State:
    """Every verdict that waits goes out."""
    return _written(state, p, NOTHING)


@step("process {0} writes: its verdicts, and a fetch")
def writes_fetch(state: State, rules: Rules, p: int) -> State:
    """Verdicts first, then the fetch, in one write."""
    return _written(state, p, FETCH)


@step("process {0} writes: its verdicts, and a hand-back of its buffer")
def writes_hand_back(state: State, rules: Rules, p: int) -> State:
    """The jobs are taken out of the buffer first: whoever takes one out owns it."""
    return _written(_restage(state, p, {BUFFER: BACK}), p, HAND_BACK)


def _written(state: State, p: int, tail: int) -> State:
    state = _restage(state, p, {VERDICT: SENT})
    return with_process(state, p, phase=WAITING, tail=tail, reply=PENDING)


@step("process {0} reads the replies")
def reads(state: State, rules: Rules, p: int) -> State:
    """Verdicts are confirmed and struck from the ledger; jobs enter it, or leave it for good."""
    process = state.processes[p]
    answer = process.reply
    changes: dict[int, int | None] = {ANSWERED: None}
    if process.tail == FETCH:
        changes[WIRE] = BUFFER
    elif process.tail == HAND_BACK and answer == OK:
        changes[BACK] = None
    state = _restage(state, p, changes)
    unsure = process.tail != NOTHING and answer == STALE
    fenced = process.fenced or (process.tail != NOTHING and answer == FENCED)
    phase = UNCERTAIN if unsure else READY
    return with_process(state, p, phase=phase, fenced=fenced, tail=NOTHING, reply=PENDING)


@step("process {0} begins a new epoch, and takes its buffer out")
def begins_epoch(state: State, rules: Rules, p: int) -> State:
    """From here on nothing that the old connection sent can act. No record: fenced."""
    process = state.processes[p]
    state, epoch = scripts.begin_epoch(state, process.owner, process.epoch + 1)
    if not epoch:
        return with_process(state, p, fenced=True)
    return with_process(state, p, phase=BEGUN, epoch=epoch)


@step("process {0} lists what Redis holds for it, and compares its ledger")
def lists(state: State, rules: Rules, p: int) -> State:
    """In Redis and not in the ledger (or being handed back): adopt. Unstarted and not there: drop."""
    owner = state.processes[p].owner
    to_adopt = False
    for j, job in enumerate(state.jobs):
        changed = _reconciled(job, p, owner)
        if changed is not job:
            state = with_job(state, j, changed)
        to_adopt = to_adopt or any(e.process == p and e.stage == ADOPT for e in changed.entries)
    return with_process(state, p, phase=LISTED if to_adopt else READY)


def _reconciled(job: Job, p: int, owner: int) -> Job:
    """Return *job* after the reconciliation of *owner*, the present name of *p*."""
    held = [place.token for place in job.places if place.where == FLIGHT]
    held = [token for token in held if token.owner == owner]
    mine = [entry for entry in job.entries if entry.process == p and entry.token.owner == owner]
    if not held and not mine:
        return job
    kept = [entry for entry in job.entries if entry not in mine]
    known = set()
    for entry in mine:
        if entry.stage in STARTED or (entry.stage == BUFFER and entry.token in held):
            kept.append(entry)
            known.add(entry.token)
    kept += [Entry(p, ADOPT, 0, token) for token in held if token not in known]
    return with_entries(job, kept)


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
    return with_process(_restage(state, p, {ADOPT: BUFFER}), p, phase=READY)


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
