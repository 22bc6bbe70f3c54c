"""Guarded pushes: the command that asks guards and pushes, and what it answers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from .. import keys
from ..codec import decode
from ..errors import StoreError
from ..guarding import Declined, Guard, Guarded
from ..sender import Place, Refusal, Scheduled
from . import scripts
from .scripts import Command, Script
from .translation import translated_text

#: Payload, score or delivery id, and what guards ask.
Item = tuple[bytes, Any, Guarded | None]


def guarded_queue(
    queue: str, raws: Sequence[bytes], extras: Mapping[bytes, Guarded], token: str = ""
) -> Command:
    """Return the command that puts *raws* into *queue*; each is done once for *token*, if there is one."""
    names = (keys.queue(queue), keys.QUEUES, keys.idle(queue), keys.PUSHED)
    return _command("queue", names, queue, token, [(raw, "", extras.get(raw)) for raw in raws])


def guarded_schedule(
    scheduled: Sequence[Scheduled], extras: Mapping[bytes, Guarded], token: str = ""
) -> Command:
    """Return the command that puts (due time, payload) pairs into the scheduled set."""
    names = (keys.SCHEDULE, keys.QUEUES, keys.bell(keys.POLLER_BELL), keys.PUSHED)
    items = [(raw, repr(float(at)), extras.get(raw)) for at, raw in scheduled]
    return _command("set", names, "", token, items)


def guarded_due(flight: str, queue: str, items: Sequence[Item]) -> Command:
    """Return the command that lets claimed jobs, in the in-flight hash *flight*, enter *queue*."""
    names = (keys.queue(queue), keys.QUEUES, keys.idle(queue), flight)
    return _command("due", names, queue, "", items)


def _command(
    how: str, names: Sequence[str], queue: str, token: str, items: Sequence[Item]
) -> Command:
    guards = {guard.name: guard for _, _, one in items for guard, _ in _rides(one)}
    numbers = {name: at for at, name in enumerate(guards, 1)}
    own: list[Any] = [how, queue, token, len(items)]
    more: list[str] = []
    for raw, mark, one in items:
        rides = _rides(one)
        own += (raw, mark, len(rides))
        for guard, ride in rides:
            own += (numbers[guard.name], len(ride.keys), len(ride.args), *ride.args)
            more += ride.keys
    return _script(tuple(guards.values()))((*names, *more), own)


def _rides(one: Guarded | None) -> Sequence[Any]:
    return () if one is None else one.rides


@functools.lru_cache(maxsize=256)
def _script(guards: tuple[Guard, ...]) -> Script:
    pieces = "".join(
        f"{table}[{at}] = function(KEYS, ARGV, JOB, DUE, PROMOTING) -- {guard.name}\n{lua}\nend\n"
        for at, guard in enumerate(guards, 1)
        for table, lua in (("checks", guard.check), ("takes", guard.take), ("undos", guard.undo))
    )
    text = f"{scripts.read('ring')}local checks, takes, undos = {{}}, {{}}, {{}}\n{pieces}"
    made = Script("guarded", text + scripts.read("guarded"))
    scripts.remember(made)
    return made


def is_guarded(raws: Sequence[bytes], extras: Mapping[bytes, Guarded]) -> bool:
    """Tell whether one of *raws* has a guard: then all that goes to its place goes by a guarded push."""
    return bool(extras) and not extras.keys().isdisjoint(raws)


def raws_of(place: Place, queues: Mapping[str, list[bytes]], scheduled: Sequence[Scheduled]) -> Any:
    """Return the payloads of a load for *place*."""
    return [raw for _, raw in scheduled] if place is None else queues[place]


def read_refused(
    answers: Sequence[Any], raws: Sequence[bytes], extras: Mapping[bytes, Guarded], where: str
) -> dict[str, Refusal]:
    """Return what the *answers* to a guarded push say of those of *raws* that were not pushed, by jid."""
    refused: dict[str, Refusal] = {}
    for answer, raw in zip(answers, raws, strict=True):
        if isinstance(answer, bytes):
            one = extras.get(raw)
            payload = decode(raw)[0] if one is None else one.payload
            refused[str(payload["jid"])] = read_answer(answer, one, where)
    return refused


def read_answer(answer: bytes, one: Guarded | None, where: str) -> Refusal:
    """Return who declined a job, or the error of one that a guard failed for."""
    kind, text = answer[:1], answer[1:].decode(errors="replace")
    if kind == b"?" and one is not None:
        place, _, why = text.partition(" ")
        return Declined(one.rides[int(place) - 1][0], one.payload, why)
    error: StoreError = translated_text(text, where)
    error.maybe_done = kind == b"+"
    return error
