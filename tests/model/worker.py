"""The other threads of a worker process: processors, heartbeat, poller, and its restart."""

from __future__ import annotations

from . import scripts
from .courier import restaged
from .real import FOREVER, Real
from .state import (
    BACK,
    BUFFER,
    CLAIMED,
    DONE,
    NO_OWNER,
    POLLER,
    RUN,
    UNREGISTERED,
    VERDICT,
    WORKER,
    Entry,
    Process,
    Rules,
    State,
    Token,
    is_in_flight,
    new_owner,
    with_entries,
    with_job,
    with_process,
)
from .step import step


@step("process {0} starts job {1}")
def starts(state: State, rules: Rules, p: int, j: int, token: Token) -> State:
    """A processor took it out of the inbox, and its owner's permit is good."""
    job = state.jobs[j]
    entries = list(job.entries)
    at = next(
        at
        for at, entry in enumerate(entries)
        if entry[:2] in ((p, BUFFER), (p, BACK)) and entry.token == token
    )
    entries[at] = Entry(p, RUN, DONE, token)
    job = with_entries(job, entries)._replace(
        spent=True,
        overrun=job.overrun or job.spent,
        foreign=job.foreign or not is_in_flight(job, token),
    )
    return with_job(state, j, job)


@step("process {0} ends job {1}: {3}")
def ends(state: State, rules: Rules, p: int, j: int, token: Token, verdict: int) -> State:
    """The verdict waits for the courier."""
    job = state.jobs[j]
    entries = [
        Entry(p, VERDICT, verdict, token) if entry == (p, RUN, DONE, token) else entry
        for entry in job.entries
    ]
    if verdict != DONE:
        state = state._replace(failures=state.failures - 1)
    return with_job(state, j, with_entries(job, entries))


@step("process {0} beats")
def beats(state: State, rules: Rules, p: int) -> State:
    """The heartbeat renews the leases of what the process is, or learns that it is fenced."""
    process = state.processes[p]
    if process.poller:
        state, _ = scripts.beat(state, process.poller)
    if process.phase == UNREGISTERED:
        return state
    state, alive = scripts.beat(state, process.owner)
    real = Real(state, p)
    if alive:
        real.owner.permit.extend(FOREVER)
    else:
        real.owner.fence()
    return real.written(state, rules)


@step("process {0} is started anew")
def restarts(state: State, rules: Rules, p: int) -> State:
    """By a supervisor; it has a new name, and nothing in its memory."""
    state, owner = new_owner(state, WORKER)
    processes = list(state.processes)
    processes[p] = Process(UNREGISTERED, owner)
    return state._replace(processes=tuple(processes))


@step("process {0}'s poller claims job {1}")
def claims(state: State, rules: Rules, p: int, j: int) -> State:
    """Under a name of its own, registered when there is none. Fenced: it takes another."""
    state = poller_named(state, p)
    state, token = scripts.claim(state, rules, state.processes[p].poller, j)
    if token is None:
        return abandoned(state, p)
    job = state.jobs[j]
    return with_job(state, j, with_entries(job, [*job.entries, Entry(p, CLAIMED, DONE, token)]))


@step("process {0}'s poller commits job {1}")
def commits(state: State, rules: Rules, p: int, j: int, token: Token) -> State:
    """The job goes to its queue if it is still claimed."""
    state = scripts.commit(state, j, token)
    return with_job(state, j, restaged(state.jobs[j], p, {CLAIMED: None}))


def poller_named(state: State, p: int) -> State:
    """Return *state* with a registered name for the poller of *p*.

    Each attempt to register takes a new name, so a late registration names nobody.
    """
    if state.processes[p].poller:
        return state
    state, owner = new_owner(state, POLLER)
    return with_process(scripts.register(state, owner), p, poller=owner)


def abandoned(state: State, p: int) -> State:
    """Return *state* with the poller of *p* nameless: what it claimed is given back like a dead one's."""
    for j, job in enumerate(state.jobs):
        if any(entry.process == p and entry.stage == CLAIMED for entry in job.entries):
            state = with_job(state, j, restaged(job, p, {CLAIMED: None}))
    return with_process(state, p, poller=NO_OWNER)
