"""Which steps can be taken in a state."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from . import courier, faults, mistakes, parent, reclaimer, server, worker
from .state import (
    BACK,
    BEGUN,
    BUFFER,
    CLAIMED,
    DEAD,
    DONE,
    FETCH,
    FLIGHT,
    HAND_BACK,
    LATE_CLAIM,
    LATE_EPOCH,
    LATE_FETCH,
    LATE_REGISTER,
    LISTED,
    NEW,
    NOTHING,
    PENDING,
    QUEUE,
    READY,
    RETRY,
    RUN,
    SENT,
    TO_QUEUE,
    TO_RETRY,
    UNCERTAIN,
    UNREGISTERED,
    VERDICT,
    WAITING,
    WIRE,
    Entry,
    Job,
    LateCall,
    Rules,
    State,
    Token,
    active,
    is_in,
)
from .step import Step

Mine = list[tuple[int, Entry]]


def enabled(state: State, rules: Rules) -> Iterator[Step]:
    """Yield the steps that an exploration has to take: all, or only those of the first thing that can
    as well happen at once, because whatever comes before it could come after it."""
    return iter(_forced(state, rules) or all_enabled(state, rules, idle_faults=False))


def _forced(state: State, rules: Rules) -> list[Step]:
    """Return what may happen at once without hiding anything.

    A job in the queue, a process that has registered, or one with a new name can still do nothing
    for as long as it likes. An exchange that has begun could as well have begun later; if its
    connection breaks half way, the rest comes late, with anything in between. And nobody looks at a
    dead owner that holds nothing.
    """
    for j, job in enumerate(state.jobs):
        if is_in(job, NEW):
            return _pushes(state, j)
    for p, process in enumerate(state.processes):
        if process.phase == DEAD:
            if state.parent or not rules.parent:
                return [Step(worker.restarts, (p,))]
            continue
        if rules.parent and not state.parent:
            continue  # its end may come at any moment, and hides nothing that it does before
        if process.phase == UNREGISTERED or (
            process.fenced and process.phase in (READY, UNCERTAIN)
        ):
            return list(_of_courier(state, rules, p, []))
        if process.phase == WAITING:
            return list(_of_courier(state, rules, p, _of_process(state, p)))
    for o in range(1, len(state.owners)):
        owner = state.owners[o]
        if (owner.record or owner.known or owner.late) and not active(state, o):
            steps = [] if _is_referred_to(state, o) else list(_of_owner(state, rules, o))
            if steps:
                return steps[:1]
    return []


def _is_referred_to(state: State, o: int) -> bool:
    if any(call.what != LATE_REGISTER for call in state.owners[o].late):
        return True
    return any(token.owner == o for job in state.jobs for token in _redis_tokens(job))


def _redis_tokens(job: Job) -> Iterator[Token]:
    yield from (place.token for place in job.places)
    yield from (late.token for late in job.late)


def _pushes(state: State, j: int) -> list[Step]:
    steps = [Step(server.pushed, (j,))]
    return [*steps, Step(faults.push_reply_lost, (j,))] if state.faults else steps


def _of_process(state: State, p: int) -> Mine:
    return [(j, e) for j, job in enumerate(state.jobs) for e in job.entries if e.process == p]


def all_enabled(state: State, rules: Rules, *, idle_faults: bool = True) -> Iterator[Step]:
    """Yield every step that can be taken.

    Without *idle_faults* no process dies or freezes that has nothing: that would only rename it.
    """
    for j, job in enumerate(state.jobs):
        if is_in(job, NEW):
            yield from _pushes(state, j)
    for p, process in enumerate(state.processes):
        mine = _of_process(state, p)
        if process.phase == DEAD:
            if state.parent or not rules.parent:
                yield Step(worker.restarts, (p,))
            continue
        yield from _of_parent(state, rules, p)
        yield from _of_courier(state, rules, p, mine)
        yield from _of_threads(state, rules, p, mine)
        yield from _of_poller(state, p, mine)
        if state.faults and (idle_faults or mine or _is_referred_to(state, process.owner)):
            yield Step(faults.crashes, (p,))
            if process.permit:
                yield Step(faults.freezes, (p,))
    if rules.parent:
        if state.parent and state.faults:
            yield Step(parent.dies, (0,))
        elif not state.parent and all(each.phase == DEAD for each in state.processes):
            yield Step(parent.comes_back, (0,))
    for o in range(1, len(state.owners)):
        yield from _of_owner(state, rules, o)
    for j, job in enumerate(state.jobs):
        for command in set(job.late):
            yield Step(reclaimer.late_for_job, (j, command))


def _of_parent(state: State, rules: Rules, p: int) -> Iterator[Step]:
    process = state.processes[p]
    if rules.parent and not state.parent:
        yield Step(parent.follows, (p,))
    elif rules.parent and process.phase != UNREGISTERED and not process.permit:
        names = [state.owners[o] for o in (process.owner, process.poller) if o]
        anew = rules.mistake == mistakes.KEEPER_REGISTERS and not all(one.record for one in names)
        if anew or any(one.record and not one.lease for one in names):
            yield Step(parent.keeps, (p,))


def _of_courier(state: State, rules: Rules, p: int, mine: Mine) -> Iterator[Step]:
    process = state.processes[p]
    phase = process.phase
    if process.fenced and phase in (READY, UNCERTAIN):
        yield Step(courier.becomes_another, (p,))
    elif phase == UNREGISTERED:
        yield Step(courier.registers, (p,))
        if state.faults:
            yield Step(faults.registration_reply_lost, (p,))
            yield Step(faults.registration_late, (p,))
    elif phase == READY:
        yield from _writes(state, rules, p, mine)
    elif phase == WAITING:
        yield from _exchange(state, rules, p, mine)
    else:
        yield from _reconciles(state, p)


def _writes(state: State, rules: Rules, p: int, mine: Mine) -> Iterator[Step]:
    stages = [entry.stage for _, entry in mine]
    if VERDICT in stages:
        yield Step(courier.writes, (p,))
    if stages.count(BUFFER) < rules.batch and any(is_in(job, QUEUE) for job in state.jobs):
        yield Step(courier.writes_fetch, (p,))
    if BUFFER in stages:
        yield Step(courier.writes_hand_back, (p,))


def _exchange(state: State, rules: Rules, p: int, mine: Mine) -> Iterator[Step]:
    process = state.processes[p]
    sent = [(j, entry.verdict) for j, entry in mine if entry.stage == SENT]
    if any(verdict == DONE for _, verdict in sent):
        yield Step(server.executes_done, (p,))
    elif sent:
        for j, verdict in sent:
            yield Step(server.executes_move, (p, j, verdict))
    elif process.tail == FETCH and process.reply == PENDING:
        again = any(entry.stage == WIRE for _, entry in mine)
        execute = server.executes_fetch_again if again else server.executes_fetch
        for jobs in fetchable(state, rules):
            yield Step(execute, (p, jobs))
    elif process.tail == HAND_BACK and process.reply == PENDING:
        yield Step(server.executes_hand_back, (p,))
    else:
        yield Step(courier.reads, (p,))
    if rules.mistake == mistakes.SECOND_THREAD and process.tail != NOTHING:
        yield Step(courier.second_thread_reconciles, (p,))
    if state.faults:
        yield Step(faults.breaks, (p,))


def _reconciles(state: State, p: int) -> Iterator[Step]:
    steps, losses = {
        UNCERTAIN: (courier.begins_epoch, (faults.epoch_reply_lost, faults.epoch_late)),
        BEGUN: (courier.lists, (faults.listing_lost,)),
        LISTED: (courier.adopts, (faults.adopting_lost,)),
    }[state.processes[p].phase]
    yield Step(steps, (p,))
    if state.faults:
        for loss in losses:
            yield Step(loss, (p,))


def _of_threads(state: State, rules: Rules, p: int, mine: Mine) -> Iterator[Step]:
    process = state.processes[p]
    running = [(j, entry) for j, entry in mine if entry.stage == RUN]
    may_start = process.permit or rules.mistake == mistakes.NO_LEASE_GUARD
    if may_start and len(running) < rules.threads and process.phase != BEGUN:
        still = rules.mistake == mistakes.STILL_IN_INBOX
        for j, entry in mine:
            if entry.stage == BUFFER or (still and entry.stage == BACK):
                yield Step(worker.starts, (p, j, entry.token))
    for j, entry in running:
        yield Step(worker.ends, (p, j, entry.token, DONE))
        if state.failures:
            yield Step(worker.ends, (p, j, entry.token, TO_RETRY))
            yield Step(worker.ends, (p, j, entry.token, TO_QUEUE))
    poller = state.owners[process.poller]
    poller_lost = poller.record and not poller.lease
    registered = process.phase != UNREGISTERED
    lost = registered and not (process.permit and state.owners[process.owner].lease)
    if (lost and not process.fenced) or poller_lost:
        yield Step(worker.beats, (p,))


def _of_poller(state: State, p: int, mine: Mine) -> Iterator[Step]:
    claimed = [(j, entry) for j, entry in mine if entry.stage == CLAIMED]
    for j, entry in claimed:
        yield Step(worker.commits, (p, j, entry.token))
        if state.faults:
            yield Step(faults.commit_reply_lost, (p, j, entry.token))
            yield Step(faults.commit_late, (p, j, entry.token))
    due = [j for j, job in enumerate(state.jobs) if is_in(job, RETRY)]
    if due and not claimed:
        for j in due:
            yield Step(worker.claims, (p, j))
            if state.faults:
                yield Step(faults.claim_reply_lost, (p, j))
        if state.faults:
            yield Step(faults.claim_late, (p,))


def _of_owner(state: State, rules: Rules, o: int) -> Iterator[Step]:
    owner = state.owners[o]
    if not (owner.record or owner.lapsed or owner.known or owner.late):
        return
    others = any(p.phase != DEAD and o not in (p.owner, p.poller) for p in state.processes)
    # A parent gives back what a dead child held though no other process lives.
    others = others or (state.parent and not active(state, o))
    last = rules.mistake == mistakes.RECORD_LAST
    may_lapse = owner.record and not (last and owner.lapsed)
    unproven = rules.mistake == mistakes.SILENT_IS_DEAD and state.parent
    if others and may_lapse and (unproven or not (owner.lease and active(state, o))):
        yield Step(reclaimer.lapses, (o,))
    if others and (owner.lapsed if last else not owner.record):
        held = [
            (j, place.token)
            for j, job in enumerate(state.jobs)
            for place in job.places
            if place.where == FLIGHT and place.token.owner == o
        ]
        for j, token in held:
            yield Step(reclaimer.reclaims, (o, j, token))
        if not held and (owner.lapsed or owner.known):
            yield Step(reclaimer.forgets, (o,))
    if owner.lease and any(p.phase == UNREGISTERED and p.owner == o for p in state.processes):
        yield Step(server.lease_ends, (o,))
    for call in set(owner.late):
        yield from _late(state, rules, o, call)


def _late(state: State, rules: Rules, o: int, call: LateCall) -> Iterator[Step]:
    what = call.what
    if what == LATE_FETCH:
        for jobs in fetchable(state, rules):
            yield Step(reclaimer.late_fetch, (o, call, jobs))
    elif what == LATE_CLAIM:
        for j, job in enumerate(state.jobs):
            if is_in(job, RETRY):
                yield Step(reclaimer.late_claim, (o, call, j))
    elif what == LATE_EPOCH:
        yield Step(reclaimer.late_epoch, (o, call))
    else:
        yield Step(reclaimer.late_registration, (o, call))


def fetchable(state: State, rules: Rules) -> Iterator[tuple[int, ...]]:
    """Yield what a fetch may find: any of the queue's jobs, up to as many as it may ask for."""
    waiting = [j for j, job in enumerate(state.jobs) if is_in(job, QUEUE)]
    most = min(rules.batch, len(waiting))
    if len(waiting) > MOST_CHOICES:
        yield tuple(waiting[:most])  # in a simulation: one choice will do
        return
    for size in range(min(1, most), most + 1):
        yield from combinations(waiting, size)


MOST_CHOICES = 4
