"""Reclaim, chunk by chunk; and late commands, whenever they arrive.

A reclaimer remembers nothing that matters: each of its scripts looks at the record by itself. So any
living process may do any step of any reclaim, which covers reclaimers that stop half way and
others that go on at the same time.
"""

from __future__ import annotations

from . import scripts
from .state import LATE_BACK, LATE_COMMIT, Late, LateCall, Rules, State, Token, with_job, with_owner
from .step import late, step


@step("owner {0} is declared dead")
def lapses(state: State, rules: Rules, o: int) -> State:
    """Its lease is over, or its death is proven."""
    return scripts.lapse(state, rules, o)


@step("a reclaimer gives job {1} of owner {0} back")
def reclaims(state: State, rules: Rules, o: int, j: int, token: Token) -> State:
    """To its queue, or a claim to its set."""
    return scripts.reclaim(state, rules, o, j, token)


@step("a reclaimer forgets owner {0}")
def forgets(state: State, rules: Rules, o: int) -> State:
    """Last of all: nothing is in flight for it."""
    return scripts.forget(state, rules, o)


@late("LATE: Redis executes {1} of an old connection, for job {0}")
def late_for_job(state: State, rules: Rules, j: int, command: Late) -> State:
    """A settlement, a hand-back or a commit."""
    job = state.jobs[j]
    rest = list(job.late)
    rest.remove(command)
    state = with_job(state, j, job._replace(late=tuple(rest)))
    if command.what == LATE_COMMIT:
        return scripts.commit(state, j, command.token)
    if command.what == LATE_BACK:
        deliveries = [(j, command.token)]
        return scripts.hand_back(state, rules, command.token.owner, command.epoch, deliveries)[0]
    return scripts.settle(state, rules, j, command.token, command.verdict)


def _arrived(state: State, o: int, call: LateCall) -> State:
    rest = list(state.owners[o].late)
    rest.remove(call)
    return with_owner(state, o, late=tuple(rest))


@late("LATE: Redis executes a fetch of an old connection of owner {0}: jobs {2}")
def late_fetch(state: State, rules: Rules, o: int, call: LateCall, jobs: tuple[int, ...]) -> State:
    """Nobody reads the reply."""
    return scripts.fetch(_arrived(state, o, call), rules, o, call.epoch, jobs, None)[0]


@late("LATE: Redis executes the beginning of an epoch of owner {0}")
def late_epoch(state: State, rules: Rules, o: int, call: LateCall) -> State:
    """The epoch only rises: the owner's next fetch is stale, and it reconciles."""
    return scripts.begin_epoch(_arrived(state, o, call), o, call.epoch)[0]


@late("LATE: Redis executes the registration of owner {0}")
def late_registration(state: State, rules: Rules, o: int, call: LateCall) -> State:
    """The record is there, or it is there again."""
    return scripts.register(_arrived(state, o, call), o)


@late("LATE: Redis executes a claim of owner {0}: job {2}")
def late_claim(state: State, rules: Rules, o: int, call: LateCall, j: int) -> State:
    """Nobody reads the reply."""
    return scripts.claim(_arrived(state, o, call), rules, o, j)[0]
