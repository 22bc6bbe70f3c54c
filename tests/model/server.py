"""Redis executes what is on the wire: the courier's write, command by command; pushes; the clock."""

from __future__ import annotations

from . import scripts
from .state import (
    ANSWERED,
    BACK,
    DONE,
    SENT,
    WIRE,
    Rules,
    State,
    with_entries,
    with_job,
    with_owner,
    with_process,
)
from .step import step


@step("a client pushes job {0}")
def pushed(state: State, rules: Rules, j: int) -> State:
    """One script, sent once; an error that the client sees is the end of it."""
    return scripts.push(state, j)


@step("Redis executes process {0}'s done")
def executes_done(state: State, rules: Rules, p: int) -> State:
    """One script for all that is done."""
    for j, job in enumerate(state.jobs):
        if any(entry[:3] == (p, SENT, DONE) for entry in job.entries):
            state = _settled(state, rules, p, j, DONE)
    return state


@step("Redis executes process {0}'s move of job {1}: {2}")
def executes_move(state: State, rules: Rules, p: int, j: int, verdict: int) -> State:
    """One script for each verdict other than done."""
    return _settled(state, rules, p, j, verdict)


def _settled(state: State, rules: Rules, p: int, j: int, verdict: int) -> State:
    entries = []
    for entry in state.jobs[j].entries:
        if entry[:3] == (p, SENT, verdict):
            state = scripts.settle(state, rules, j, entry.token, verdict)
            entry = entry._replace(stage=ANSWERED)
        entries.append(entry)
    return with_job(state, j, with_entries(state.jobs[j], entries))


@step("Redis executes process {0}'s fetch: jobs {1}")
def executes_fetch(state: State, rules: Rules, p: int, jobs: tuple[int, ...]) -> State:
    """*jobs* are those that it finds in the queue, as many as it asked for."""
    process = state.processes[p]
    state, answer = scripts.fetch(state, rules, process.owner, process.epoch, jobs, p)
    return with_process(state, p, reply=answer)


@step("Redis executes process {0}'s hand-back")
def executes_hand_back(state: State, rules: Rules, p: int) -> State:
    """All of the inbox, in one script."""
    process = state.processes[p]
    deliveries = [
        (j, entry.token)
        for j, job in enumerate(state.jobs)
        for entry in job.entries
        if entry.process == p and entry.stage == BACK
    ]
    state, answer = scripts.hand_back(state, rules, process.owner, process.epoch, deliveries)
    return with_process(state, p, reply=answer)


@step("Redis executes process {0}'s fetch once more: jobs {1}")
def executes_fetch_again(state: State, rules: Rules, p: int, jobs: tuple[int, ...]) -> State:
    """Only as a mistake: the same call number writes over the fields of the first call."""
    overwritten = [
        (j, entry)
        for j, job in enumerate(state.jobs)
        for entry in job.entries
        if entry.process == p and entry.stage == WIRE
    ]
    for j, entry in overwritten[: len(jobs)]:
        job = state.jobs[j]
        places = tuple(place for place in job.places if place.token != entry.token)
        state = with_job(state, j, job._replace(places=places))
    return executes_fetch(state, rules, p, jobs)


@step("the lease of owner {0}, which nobody renews, runs out")
def lease_ends(state: State, rules: Rules, o: int) -> State:
    """Time passes for what is dead; for a living process that is a fault (a freeze)."""
    return with_owner(state, o, lease=False)
