"""Scripts joined with pieces of features: what settles a job, and what features do in the same step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..riding import Ride, Rider
from ..verdict import Taken
from . import scripts
from .scripts import Command, Script

#: Joins what rides on it to a command that gives taken jobs back; returns what reads the reply, too.
Rides = Callable[[Command, Sequence[Taken]], tuple[Command, Callable[[Any], Any]]]


class Riding(NamedTuple):
    """One ride of *rider*, for the job in *field* of the in-flight *hash*.

    Without a hash *field* is its place in the reply of the script: a number, then places.
    """

    rider: Rider
    ride: Ride
    hash: str
    field: str


class JoinedReply(NamedTuple):
    """The *reply* of the script; whether the job of each ride left; name and text of what failed."""

    reply: Any
    left: list[bool]
    problems: list[tuple[str, str]]


def join(command: Command, riders: Sequence[Rider], rides: Sequence[Riding]) -> Command:
    """Return *command*, which runs a script that settles jobs, with *rides* of *riders* behind it."""
    how, which, count, *rest = command
    names, args = rest[:count], rest[count:]
    riders = tuple(riders)
    joined = _join(scripts.text_of(how, which), riders)
    numbers = {rider.name: at for at, rider in enumerate(riders, 1)}
    more: list[str] = []
    given: list[Any] = []
    for rider, ride, hash_, field in rides:
        place = names.index(hash_) + 1 if hash_ else 0
        given += (numbers[rider.name], place, field, len(ride.keys), len(ride.args), *ride.args)
        more += ride.keys
    given += (len(rides), len(names), len(args))
    if how == "EVAL":
        return ("EVAL", joined.text, len(names) + len(more), *names, *more, *args, *given)
    scripts.remember(joined)
    return joined((*names, *more), (*args, *given))


def read_joined(reply: Any, riders: Sequence[Rider]) -> JoinedReply:
    """Read the reply to what :func:`join` returned; an error is the script's own."""
    if isinstance(reply, Exception):
        return JoinedReply(reply, [], [])
    own, flags, problems = reply
    named = [
        (riders[problems[at] - 1].name, problems[at + 1].decode(errors="replace"))
        for at in range(0, len(problems), 2)
    ]
    return JoinedReply(own, [flag == 1 for flag in flags], named)


@functools.lru_cache(maxsize=256)
def _join(text: str, riders: tuple[Rider, ...]) -> Script:
    pieces = "".join(
        f"pieces[{at}] = function(KEYS, ARGV) -- {rider.name}\n{rider.lua}\nend\n"
        for at, rider in enumerate(riders, 1)
    )
    shared = scripts.read("ring") + scripts.read("enqueue")
    act = f"local function act(KEYS, ARGV)\n{text}\nend\n"
    return Script("joined", f"{act}{shared}local pieces = {{}}\n{pieces}{scripts.read('riding')}")
