"""What each Lua script does to the model's Redis: one function per script, one atomic step each."""

from __future__ import annotations

from collections.abc import Sequence

from . import mistakes
from .state import (
    DONE,
    FENCED,
    FLIGHT,
    LATE_REGISTER,
    NEW,
    OK,
    POLLER,
    QUEUE,
    RETRY,
    SETTLED,
    STALE,
    TO_RETRY,
    Entry,
    Job,
    Place,
    Rules,
    State,
    Token,
    is_in_flight,
    moved,
    next_number,
    with_job,
    with_owner,
)


def push(state: State, j: int) -> State:
    """``push.lua``: the job enters its queue."""
    job = state.jobs[j]
    places = tuple(place for place in job.places if place.where != NEW)
    return with_job(state, j, job._replace(places=(*places, Place(QUEUE))))


def register(state: State, o: int) -> State:
    """``register.lua``: a record that is there keeps its epoch. The lease is a part of it."""
    owner = state.owners[o]
    epoch = owner.epoch if owner.record else 0
    return with_owner(state, o, record=True, known=True, lease=True, epoch=epoch)


def beat(state: State, o: int) -> tuple[State, bool]:
    """``beat.lua``: the lease of an owner that has a record; False when it has none."""
    if not state.owners[o].record:
        return state, False
    return with_owner(state, o, lease=True), True


def standing(state: State, rules: Rules, o: int, epoch: int) -> tuple[State, int]:
    """How ``fetch.lua`` and ``hand_back.lua`` begin: fenced, stale, or the epoch is noted."""
    owner = state.owners[o]
    if not owner.record:
        return state, FENCED
    if owner.epoch > epoch and rules.mistake != mistakes.NO_EPOCH:
        return state, STALE
    if owner.epoch < epoch:
        state = with_owner(state, o, epoch=epoch)
    return state, OK


def fetch(
    state: State, rules: Rules, o: int, epoch: int, jobs: Sequence[int], reader: int | None
) -> tuple[State, int]:
    """``fetch.lua``: *jobs* of the queue go in flight. *reader* will read the reply (None: nobody)."""
    state, answer = standing(state, rules, o, epoch)
    if answer != OK:
        return state, answer
    for j in jobs:
        job = state.jobs[j]
        token = Token(o, next_number(job))
        rest = tuple(place for place in job.places if place.where != QUEUE)
        if rules.mistake != mistakes.PLAIN_POP:
            rest = (*rest, Place(FLIGHT, token))
        entries = job.entries
        if reader is not None:
            entries = tuple(sorted((*entries, Entry(reader, 0, DONE, token))))
        state = with_job(state, j, job._replace(places=rest, entries=entries))
    return state, OK


def settle(state: State, rules: Rules, j: int, token: Token, verdict: int) -> State:
    """``done.lua`` and ``move.lua`` for one job: it goes where it should, if it is in flight."""
    job = state.jobs[j]
    if not is_in_flight(job, token):
        if verdict == TO_RETRY and rules.mistake == mistakes.NO_TOKEN_CHECK:
            job = job._replace(places=(*job.places, Place(RETRY)))
        return with_job(state, j, job)
    if verdict == TO_RETRY and rules.mistake == mistakes.TWO_CALLS:
        places = tuple(place for place in job.places if place != (FLIGHT, token))
        return with_job(state, j, job._replace(places=places))
    where = {DONE: SETTLED, TO_RETRY: RETRY}.get(verdict, QUEUE)
    return with_job(state, j, moved(job, token, Place(where))._replace(spent=False))


def hand_back(
    state: State, rules: Rules, o: int, epoch: int, deliveries: Sequence[tuple[int, Token]]
) -> tuple[State, int]:
    """``hand_back.lua``: what is in flight of *deliveries* (job, token) goes back to the queue."""
    state, answer = standing(state, rules, o, epoch)
    if answer != OK:
        return state, answer
    for j, token in deliveries:
        if is_in_flight(state.jobs[j], token):
            state = with_job(state, j, moved(state.jobs[j], token, Place(QUEUE)))
    return state, OK


def begin_epoch(state: State, o: int, least: int) -> tuple[State, int]:
    """``epoch.lua``: the epoch that holds from now on, 0 when fenced."""
    owner = state.owners[o]
    if not owner.record:
        return state, 0
    epoch = max(least, owner.epoch + 1)
    return with_owner(state, o, epoch=epoch), epoch


def lapse(state: State, rules: Rules, o: int) -> State:
    """``lapse.lua``: from here on the owner is fenced. What it had started may start once more.

    Without a proof it does so while a note says that the lease was over, which a beat strikes out: here
    that is a lease which has not been renewed since it ended.
    """
    if rules.mistake == mistakes.RECORD_LAST:
        state = with_owner(state, o, lapsed=True, lease=False)
    else:
        state = with_owner(state, o, record=False, lapsed=True, lease=False)
    jobs = tuple(_excused(job, o) if job.spent else job for job in state.jobs)
    return state._replace(jobs=jobs)


def _excused(job: Job, o: int) -> Job:
    hit = any(place.where == FLIGHT and place.token.owner == o for place in job.places)
    return job._replace(spent=False) if hit else job


def reclaim(state: State, rules: Rules, o: int, j: int, token: Token) -> State:
    """``reclaim.lua``, a chunk of one: nothing while the record exists."""
    if state.owners[o].record and rules.mistake != mistakes.RECORD_LAST:
        return state
    back = Place(RETRY if state.owners[o].kind == POLLER else QUEUE)
    return with_job(state, j, moved(state.jobs[j], token, back))


def forget(state: State, rules: Rules, o: int) -> State:
    """``forget.lua``: nothing is left under the owner's name."""
    if state.owners[o].record and rules.mistake != mistakes.RECORD_LAST:
        return state
    return with_owner(state, o, record=False, lapsed=False, known=False, lease=False)


def claim(state: State, rules: Rules, o: int, j: int) -> tuple[State, Token | None]:
    """``claim.lua``: a due job goes in flight for the poller; None when fenced."""
    if not state.owners[o].record:
        return state, None
    job = state.jobs[j]
    token = Token(o, next_number(job))
    rest = tuple(place for place in job.places if place.where != RETRY)
    if rules.mistake != mistakes.CLAIM_POPS:
        rest = (*rest, Place(FLIGHT, token))
    return with_job(state, j, job._replace(places=rest)), token


def commit(state: State, j: int, token: Token) -> State:
    """``commit.lua``: a claimed job enters its queue, if it is still claimed."""
    if is_in_flight(state.jobs[j], token):
        return with_job(state, j, moved(state.jobs[j], token, Place(QUEUE)))
    return state


def may_come_back(state: State, o: int) -> bool:
    """Tell whether a late registration can still write the record of *o*."""
    return any(call.what == LATE_REGISTER for call in state.owners[o].late)
