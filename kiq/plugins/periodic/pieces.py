"""What periodic jobs have in Lua: commands, the guard of a tick, the rider of its job."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

from ...keys import CANCELLED, bell
from ...plugin import Guard, Ride, Rider
from ...settled import Deleted, Settled
from ...store.scripts import Command
from ...verdict import Done, Dropped, ToDead, ToRetry
from . import keys

#: Fields of a payload: which entry a job is of, and the tick (epoch seconds; missing in a run by hand).
NAME, TICK = "periodic", "tick"
_OUTCOMES: dict[type, tuple[str, str]] = {
    Done: ("done", "1"),
    ToDead: ("dead", "1"),
    Dropped: ("dropped", "1"),
    Deleted: ("deleted", "1"),
    ToRetry: ("failed", "0"),
}


@functools.cache
def _lua(name: str) -> str:
    return (resources.files("kiq.plugins.periodic") / "lua" / f"{name}.lua").read_text("utf-8")


def _call(script: str, names: Sequence[str], *args: Any) -> Command:
    return ("EVAL", script, len(names), *names, *args)


def pass_over(
    name: str,
    tick: int,
    text: bytes,
    following: int | None,
    what: str = "",
    detail: object = "",
    *,
    waits: bool = False,
) -> Command:
    """Return the command that goes on from *tick* to the *following* one; *what* is for the history.

    *waits*: the ticks until then have become that one, which waits on.
    """
    names = (keys.DUE, keys.ENTRIES, keys.history(name), keys.outcomes(name), keys.WAITING)
    told = (keys.KEPT, what, str(detail) or "-", "1" if waits else "")
    return _call(_lua("note") + _lua("pass"), names, name, tick, text, _or_none(following), *told)


def revive(name: str, text: bytes, tick: int) -> Command:
    """Return the command that gives the entry *name* its next *tick*, if it has none."""
    return _call(_lua("revive"), (keys.DUE, keys.ENTRIES), name, text, tick)


def forget(name: str) -> Command:
    """Return the command that takes out the tick of an entry that was deleted."""
    return _call(_lua("forget"), (keys.DUE, keys.ENTRIES), name)


def by_hand(name: str, jid: str) -> Command:
    """Return the command that writes a run by hand into the history of *name*."""
    names = (keys.ENTRIES, keys.history(name), keys.outcomes(name))
    return _call(_lua("note") + _lua("by_hand"), names, name, jid, keys.KEPT)


def drop_orphans(app: str | bytes, seconds: int) -> Command:
    """Return the command that takes out the entries of *app*, if it has not been seen for so long."""
    names = (keys.SETS, keys.ENTRIES, keys.DUE, keys.PAUSED, keys.LATEST, keys.WAITING)
    return _call(_lua("orphans"), names, app, seconds)


def free(name: str, latest: bytes) -> Command:
    """Return the command that lets go of the run *latest* of *name*."""
    return _call(_lua("free"), (keys.LATEST,), name, latest)


def offer(
    app: str, digest: str, seconds: int, entries: Sequence[tuple[str, str, int | None]]
) -> Command:
    """Return the command that brings *entries* into force: name, definition, next tick each."""
    places = (keys.SETS, keys.ENTRIES, keys.DUE, keys.PAUSED, keys.LATEST)
    names = (*places, bell(keys.BELL), keys.WAITING)
    flat = [part for name, text, tick in entries for part in (name, text, _or_none(tick))]
    return _call(_lua("offer"), names, app, digest, seconds, *flat)


def put(name: str, text: str, following: int | None, before: bytes | str) -> Command:
    """Return the command that puts an entry in the place of what is there *before*."""
    names = (keys.ENTRIES, keys.DUE, bell(keys.BELL), keys.WAITING)
    return _call(_lua("put"), names, name, text, _or_none(following), before)


def tick_guard(
    arguments: Callable[[dict[str, Any]], Sequence[Any]],
    declined: Callable[[dict[str, Any], str], str | None],
    cancel_bell: str,
) -> Guard:
    """Return the guard of ticks: the mark that one was taken, and its job, are one step.

    *arguments* are those of the pieces, for a payload; *cancel_bell* tells workers of cancelled jobs.
    """

    def guarding(payload: dict[str, Any]) -> Ride:
        name = payload[NAME]
        places = (keys.DUE, keys.ENTRIES, keys.PAUSED, keys.LATEST)
        told = (keys.history(name), keys.outcomes(name), keys.WAITING)
        return Ride([*places, *told, CANCELLED, bell(cancel_bell)], arguments(payload))

    return Guard(
        "periodic_tick",
        guarding=guarding,
        check=_lua("check"),
        take=_lua("note") + _lua("take"),
        undo=_lua("undo"),
        declined=declined,
        payload_field=NAME,
    )


def run_rider() -> Rider:
    """Return the rider of jobs that ticks have pushed: how they went, and that they are over."""
    return Rider("periodic_run", lua=_lua("over"), releasing=_over, payload_field=NAME)


def _over(job: Settled) -> Ride | None:
    outcome = _OUTCOMES.get(type(job.verdict))
    name, jid = job.payload.get(NAME), job.payload.get("jid")
    if outcome is None or not isinstance(name, str) or not isinstance(jid, str):
        return None
    places = [keys.LATEST, keys.outcomes(name), bell(keys.BELL)]
    return Ride([*places, keys.ENTRIES, keys.history(name)], [name, jid, *outcome, keys.KEPT])


def _or_none(tick: int | None) -> int | str:
    return "" if tick is None else tick
