"""What a batch does in the step that pushes its jobs: it begins, or is asked, and then has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import keys as house
from ...codec import decode
from ...jid import new_jid
from ...sender import ByQueue, Load, Place, Scheduled
from ...store.guarded import raws_of
from ...store.scripts import Command
from . import keys
from .lua import read


def begun(bid: str, jid: str, fields: Sequence[Any]) -> Command:
    """Return the command that begins a batch with these *fields* of its record; *jid* is who does it."""
    return _eval("open", bid, (jid, *fields))


def asked(bid: str, jid: str) -> Command:
    """Return the command that asks whether jobs may be added to a batch; *jid* is who does it."""
    return _eval("add", bid, (jid, new_jid()), house.PUSHED)


def joined(bid: str, load: Load, *, first: bool, last: bool) -> Command:
    """Return the command behind the pushes of *load*: its jobs belong to the batch then."""
    counted: list[Any] = []
    for place in load.places:
        jids = jids_of(load, place)
        counted += (len(jids), *jids)
    flags = ("1" if first else "", "1" if last else "")
    return _eval("joined", bid, (*flags, len(load.places), *counted))


def cancelled(bid: str, why: str) -> Command:
    """Return the command that cancels a batch: 1, 0 where it was, or text that says why it can't be."""
    return _eval("cancel", bid, (why,))


def judged(bid: str) -> Command:
    """Return the command that looks once more what a batch has come to."""
    return _eval("judge", bid, ())


def left(bid: str, jid: str, what: str) -> Command:
    """Return the command that takes a job for *what*, see ``leave.lua``."""
    return _eval("leave", bid, (jid, what))


def merged(loads: Sequence[Load]) -> Load:
    """Return *loads* as one."""
    queues: ByQueue = {}
    scheduled: list[Scheduled] = []
    jids: list[str | None] = []
    extras: dict[bytes, Any] = {}
    for load in loads:
        for queue, raws in load.queues.items():
            queues.setdefault(queue, []).extend(raws)
        scheduled += load.scheduled
        jids += [jid for jid in load.jids if jid is not None]
        extras.update(load.extras)
    return Load(queues, scheduled, jids, None, extras)


def jids_of(load: Load, place: Place) -> list[str]:
    """Return the jids of what *load* has for *place*, in the order there."""
    if len(load.places) == 1:
        return [str(jid) for jid in load.jids if jid is not None]
    raws = raws_of(place, load.queues, load.scheduled)
    return [str(decode(raw)[0]["jid"]) for raw in raws]


def _eval(piece: str, bid: str, args: Sequence[Any], *more: str) -> Command:
    names = [*keys.names(bid), *more]
    return ("EVAL", read(piece), len(names), *names, bid, *args)
