"""The state of the model: Redis, the processes, and what is on the wire between them.

Everything is a tuple of small numbers, so that a state can be hashed. What concerns one job stands
in that job, also what a process or a message knows of it: jobs can then be sorted, and states that
differ only in names are one. The queue and the sets have no order here (tests of the store pin it).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kiq.work.owner import Phase

# Where a job is in Redis
NEW, QUEUE, RETRY, FLIGHT, SETTLED = range(5)
PLACES = ("not pushed yet", "in the queue", "in the retry set", "in flight", "settled")

# What a process has of a delivery. Its ledger is all of these but WIRE, ADOPT and CLAIMED, under
# the name that it has now.
WIRE = 0  # fetched by a call whose reply has not been read
BUFFER = 1  # taken, not started
BACK = 2  # out of the inbox, its hand-back is under way
ADOPT = 3  # listed by a reconciliation, its payload has not been read
RUN = 4
VERDICT = 5  # ended, its verdict waits to be sent
SENT = 6  # its verdict is on the wire, not executed
ANSWERED = 7  # its verdict was executed, the reply has not been read
CLAIMED = 8  # the poller knows that it claimed it

# Verdicts (done stands for all that end a job: done, dropped, dead)
DONE, TO_RETRY, TO_QUEUE = range(3)
VERDICTS = ("done", "retry", "requeue")

# The phase of a process's owner, as kiq has it; or the process is dead
UNREGISTERED, READY, WAITING, UNCERTAIN, BEGUN, LISTED = (phase.value for phase in Phase)
DEAD = len(Phase)

# The last command of its write, and what Redis answered
NOTHING, FETCH, HAND_BACK = range(3)
PENDING, OK, STALE, FENCED = range(4)

# Commands of a connection that was given up: they may be executed at any time, or never
LATE_SETTLE, LATE_BACK, LATE_COMMIT, LATE_FETCH, LATE_EPOCH, LATE_REGISTER, LATE_CLAIM = range(7)
LATE_COMMANDS = (
    "a settlement",
    "a hand-back",
    "a commit",
    "a fetch",
    "the beginning of an epoch",
    "a registration",
    "a claim",
)

WORKER, POLLER = range(2)
NO_OWNER = 0  # the first owner of each state stands for none


class Token(NamedTuple):
    """A delivery id: *number* is never used twice for a job while anything refers to it."""

    owner: int
    number: int


NO_TOKEN = Token(NO_OWNER, 0)


class Place(NamedTuple):
    """Where a job is in Redis; the token counts in flight only."""

    where: int
    token: Token = NO_TOKEN


class Entry(NamedTuple):
    """What *process* has of one delivery of a job."""

    process: int
    stage: int
    verdict: int
    token: Token


class Late(NamedTuple):
    """A command about one job that is still on its way; *what* and *verdict* say which."""

    what: int
    verdict: int
    token: Token
    epoch: int


class Job(NamedTuple):
    """*places* has one member, or the protocol is broken. *spent*: it has started, and nothing
    (a verdict, or a death of its owner that came after) has excused another start."""

    places: tuple[Place, ...]
    spent: bool = False
    overrun: bool = False
    foreign: bool = False
    entries: tuple[Entry, ...] = ()
    late: tuple[Late, ...] = ()


class LateCall(NamedTuple):
    """A command of one owner, about no job yet, that is still on its way."""

    what: int
    epoch: int


class Owner(NamedTuple):
    """What Redis has under an owner's name. *known*: in the set of owners."""

    kind: int
    record: bool = False
    lapsed: bool = False
    known: bool = False
    lease: bool = False
    epoch: int = 0
    late: tuple[LateCall, ...] = ()


class Process(NamedTuple):
    """A worker process: its courier's phase and name, what its outstanding write ends with."""

    phase: int
    owner: int
    epoch: int = 1
    permit: bool = False
    fenced: bool = False
    tail: int = NOTHING
    reply: int = PENDING
    poller: int = NO_OWNER


class State(NamedTuple):
    """All of it. *faults* may still happen, *failures* are verdicts other than done.

    *parent*: the one that all processes are children of lives, where the rules have one.
    """

    jobs: tuple[Job, ...]
    processes: tuple[Process, ...]
    owners: tuple[Owner, ...]
    faults: int
    failures: int
    parent: bool = False


class Rules(NamedTuple):
    """How large the model is, and which mistake is in it ("" for none)."""

    processes: int = 2
    jobs: int = 3
    faults: int = 3
    failures: int = 1
    batch: int = 2  # a fetch takes so many at most
    threads: int = 3  # jobs that one process runs at once
    mistake: str = ""
    parent: bool = False  # the processes are children of one


def initial(rules: Rules) -> State:
    """Return the state in which nothing has happened: jobs to be pushed, processes to register."""
    owners = [Owner(WORKER) for _ in range(rules.processes + 1)]
    return State(
        tuple(Job((Place(NEW),)) for _ in range(rules.jobs)),
        tuple(Process(UNREGISTERED, p + 1) for p in range(rules.processes)),
        tuple(owners),
        rules.faults,
        rules.failures,
        rules.parent,
    )


def with_job(state: State, j: int, job: Job) -> State:
    """Return *state* with another job *j*."""
    jobs = state.jobs
    return state._replace(jobs=(*jobs[:j], job, *jobs[j + 1 :]))


def with_process(state: State, p: int, **changes: Any) -> State:
    """Return *state* with process *p* changed."""
    all_ = state.processes
    changed = all_[p]._replace(**changes)
    return state._replace(processes=(*all_[:p], changed, *all_[p + 1 :]))


def with_owner(state: State, o: int, **changes: Any) -> State:
    """Return *state* with owner *o* changed."""
    all_ = state.owners
    changed = all_[o]._replace(**changes)
    return state._replace(owners=(*all_[:o], changed, *all_[o + 1 :]))


def new_owner(state: State, kind: int) -> tuple[State, int]:
    """Return *state* with one name more, that nobody has had, and that name."""
    return state._replace(owners=(*state.owners, Owner(kind))), len(state.owners)


def with_entries(job: Job, entries: list[Entry]) -> Job:
    """Return *job* with other entries."""
    return job._replace(entries=tuple(sorted(entries)))


def moved(job: Job, token: Token, to: Place) -> Job:
    """Return *job* moved from flight under *token* (it must be there) to *to*."""
    rest = [place for place in job.places if place != (FLIGHT, token)]
    return job._replace(places=(*rest, to))


def is_in_flight(job: Job, token: Token) -> bool:
    """Tell whether *job* is in flight under *token*."""
    return (FLIGHT, token) in job.places


def is_in(job: Job, where: int) -> bool:
    """Tell whether *job* is in that place."""
    if len(job.places) == 1:  # nearly always, and asked for each job at each step
        return job.places[0].where == where
    return any(place.where == where for place in job.places)


def next_number(job: Job) -> int:
    """Return a number that no delivery of *job* has that anything still refers to."""
    used = [place.token.number for place in job.places]
    used += [entry.token.number for entry in job.entries]
    used += [late.token.number for late in job.late]
    return max(used, default=0) + 1


def active(state: State, owner: int) -> bool:
    """Tell whether a living process goes by the name of *owner*."""
    return any(p.phase != DEAD and owner in (p.owner, p.poller) for p in state.processes)
