"""What must hold after each step, each in one sentence."""

from __future__ import annotations

from collections.abc import Callable

from .state import FLIGHT, READY, SETTLED, WAITING, State, active


def one_place(state: State) -> str | None:
    """Every job that was pushed is in exactly one place of Redis, or settled: never none, never two."""
    for j, job in enumerate(state.jobs):
        if len(job.places) != 1:
            return f"job {j} is in {len(job.places)} places"
    return None


def starts_only_its_own(state: State) -> str | None:
    """A job starts only while it is in flight under the very delivery that its process took."""
    for j, job in enumerate(state.jobs):
        if job.foreign:
            return f"job {j} was started where it was not in flight"
    return None


def repeats_only_what_had_started(state: State) -> str | None:
    """A job starts again only after a verdict, or a death of its owner that came after it had started."""
    for j, job in enumerate(state.jobs):
        if job.overrun:
            return f"job {j} was started twice, though nothing befell it after its first start"
    return None


def what_is_held_is_known(state: State) -> str | None:
    """A job in flight for a living courier that is certain of its standing is known there."""
    for p, process in enumerate(state.processes):
        if process.fenced or process.phase not in (READY, WAITING):
            continue
        for j, job in enumerate(state.jobs):
            for place in job.places:
                if place.where != FLIGHT or place.token.owner != process.owner:
                    continue
                if not any(e.process == p and e.token == place.token for e in job.entries):
                    return f"job {j} is in flight for process {p}, which knows nothing of it"
    return None


def all_is_settled(state: State) -> str | None:
    """At the end, when no step is left but faults, every job is settled."""
    for j, job in enumerate(state.jobs):
        if any(place.where != SETTLED for place in job.places):
            return f"job {j} is stuck"
    return None


def nothing_is_left(state: State) -> str | None:
    """At the end nothing is left in Redis under the name of an owner that is not alive."""
    for o, owner in enumerate(state.owners):
        if (owner.record or owner.lapsed or owner.known) and not active(state, o):
            return f"owner {o} is not alive, and something is left of it"
    return None


Invariant = Callable[[State], str | None]
ALWAYS: tuple[Invariant, ...] = (
    one_place,
    starts_only_its_own,
    repeats_only_what_had_started,
    what_is_held_is_known,
)
AT_THE_END: tuple[Invariant, ...] = (all_is_settled, nothing_is_left)


def broken(state: State, *, ended: bool) -> str | None:
    """Return which invariant *state* breaks, and how; None when all hold."""
    for invariant in (*ALWAYS, *AT_THE_END) if ended else ALWAYS:
        problem = invariant(state)
        if problem:
            return f"{problem} ({invariant.__name__.replace('_', ' ')})"
    return None
