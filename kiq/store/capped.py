"""The fetch script joined with pieces of features that say how many jobs of a queue may be taken."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..capping import FleetCap
from ..riding import Ride
from . import scripts
from .scripts import Command, Script

_PIECES = """caps[{at}] = {{
room = function(KEYS, ARGV) -- {cap.name}
{cap.room}
end,
took = function(KEYS, ARGV, TOKENS)
{cap.took}
end,
freed = function(KEYS, ARGV, TOKEN)
{cap.freed}
end
}}
"""


class Question(NamedTuple):
    """What the cap with *number* gets for the *queue* at that place, from 1 on; 0: nothing may be taken."""

    number: int
    queue: int
    ride: Ride


class Problem(NamedTuple):
    """What a piece of the cap with *number* said of the *queue* at that place (both from 1 on)."""

    number: int
    queue: int
    text: str


def join(command: Command, caps: Sequence[FleetCap], questions: Sequence[Question]) -> Command:
    """Return *command*, a fetch, as one that asks *questions* of *caps*."""
    _, _, count, *rest = command
    names, args = rest[:count], rest[count:]
    joined = _join(tuple(caps))
    given: list[Any] = []
    for number, queue, ride in questions:
        given += (number, queue, len(ride.keys), len(ride.args), *ride.args)
        names += ride.keys
    scripts.remember(joined)
    return joined(names, (*args, *given, len(questions), count, len(args)))


def read(reply: Sequence[Any]) -> tuple[Any, list[Problem]]:
    """Return the fetch's own reply, and what failed."""
    own, found = reply
    return own, [
        Problem(found[at], found[at + 1], found[at + 2].decode(errors="replace"))
        for at in range(0, len(found), 3)
    ]


@functools.lru_cache(maxsize=16)
def _join(caps: tuple[FleetCap, ...]) -> Script:
    act = f"local function act(KEYS, ARGV)\n{scripts.fetch.text}\nend\n"
    pieces = "".join(_PIECES.format(at=at, cap=cap) for at, cap in enumerate(caps, 1))
    return Script("capped", f"{act}local caps = {{}}\n{pieces}{scripts.read('capping')}")
