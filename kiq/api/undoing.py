"""Undoing what was done a few minutes ago: each job goes back to where it was, once."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .. import keys
from ..codec import decode
from ..errors import ConfigError, UndecodablePayload
from ..guarding import Guard, Guarded, guarded
from ..plugin import host
from ..store.scripts import Command
from .home import Connection, connection
from .scripts import Script, undoing
from .trash import ACTS, KEPT_FOR, about, kept_of

_FIELDS = 7  # of a job that is kept: see keep.lua
_AT_ONCE = 50  # jobs of one step
_DEEP = 20_000  # jobs of a queue that one is looked for among, the newest first
_MOST_REASONS = 20
GONE = "no longer where it went: it has started, or somebody else was quicker"
THERE = "back already"


@dataclass(frozen=True, slots=True)
class Undoable:
    """An act that can be undone: its *id*, who did what (*by*, *what*), when, epoch seconds.

    *jobs* are kept of it; *beyond* is how many more it took, which can't come back. It can be undone for
    *left* more seconds.
    """

    id: str
    by: str
    what: str
    at: float
    jobs: int
    beyond: int
    left: float


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing came to: how many jobs are *back*, and why others are not: reason -> how many.

    *beyond* is how many the act had taken without keeping them.
    """

    back: int
    left: Mapping[str, int]
    beyond: int


class _Kept(NamedTuple):
    source: str
    raw: bytes
    target: str
    guards: Sequence[Any]


def undoable_acts(client: Any = None) -> list[Undoable]:
    """Return what can be undone, the newest first. Two round trips."""
    home = connection(client)
    ids = [raw.decode(errors="replace") for raw in home.call(("ZREVRANGE", ACTS, 0, -1))]
    return [one for one in _told(home, ids) if one is not None]


def undoable_act(act: str, client: Any = None) -> Undoable | None:
    """Return the act *act* if it can be undone. One round trip."""
    return _told(connection(client), [act])[0]


def undo(act: str, client: Any = None) -> Undone:
    """Undo *act*: put what it took back to where it was, the last first. *client* as for an act.

    What was deleted is back in its set with its score, or in its queue between the jobs that it was
    between. What was killed, put into a queue or given another time goes back if it is still there: a job
    that has started is left alone. Guards of this process are asked, as at a promotion: where a unique job
    of the same kind was pushed meanwhile, the old one stays where it is, and kept. Each job comes back
    once, however many undo at a time. Two round trips for 50 jobs. Raises ConfigError where nothing is
    kept under *act*, StoreError: what is back by then is back, the rest is kept.
    """
    home = connection(client)
    said = undoable_act(act, home)
    if said is None:
        raise ConfigError(
            f"nothing is kept of the act {act[:40]!r}: it was undone, is older than ten minutes, or took "
            "more than is kept"
        )
    left, counts = said.jobs, Counter[str]()
    while left > 0:
        answers = _step(home, act, min(left, _AT_ONCE))
        if answers is None:
            break
        left -= len(answers)
        counts.update(answers)
    back = counts.pop("", 0)
    return Undone(back, dict(counts.most_common(_MOST_REASONS)), said.beyond)


def _step(home: Connection, act: str, most: int) -> list[str] | None:
    """Put back the last *most* jobs; return why each is not back ("": it is). None: nothing is kept."""
    while True:
        size, flat = home.exchange(
            (("LLEN", kept_of(act)), ("LRANGE", kept_of(act), -_FIELDS * most, -1))
        )
        if not size or len(flat) % _FIELDS:
            return None
        groups = [flat[at : at + _FIELDS] for at in range(0, len(flat), _FIELDS)]
        jobs = [_read(group) for group in reversed(groups)]
        answers = home.call(_command(act, size, jobs))
        if answers is not None:  # else somebody else has undone some meanwhile, or the act goes on
            return [_words(answer, job) for answer, job in zip(answers, jobs, strict=True)]


def _read(fields: Sequence[bytes]) -> _Kept:
    source, _, raw, target = fields[:4]
    to = target.decode()
    at = source.decode(errors="surrogateescape")
    asked: Guarded | None = None
    # A dead job has no lock, and what was only moved has kept its own.
    if to in ("", keys.DEAD) and at != keys.DEAD and host.guards:
        try:
            asked = guarded(host.guards, decode(raw)[0])
        except UndecodablePayload:
            pass  # bytes that are no job go back as they are
    return _Kept(at, raw, to, asked.rides if asked else ())


def _command(act: str, size: int, jobs: Sequence[_Kept]) -> Command:
    names = list(dict.fromkeys(name for job in jobs for name in (job.source, job.target) if name))
    guards = {guard.name: guard for job in jobs for guard, _ in job.guards}
    numbers = {name: at for at, name in enumerate(guards, 1)}
    own = (keys.DEAD, keys.DEAD_REASON, keys.SUSPECTS, keys.QUEUES, keys.bell(keys.POLLER_BELL))
    idle = [keys.idle(keys.list_name(name) or name) for name in names]
    more: list[str] = []
    args: list[Any] = [size, len(jobs), _DEEP, KEPT_FOR, len(names), *names]
    for job in jobs:
        args.append(len(job.guards))
        for guard, ride in job.guards:
            args += (numbers[guard.name], len(ride.keys), len(ride.args), *ride.args)
            more += ride.keys
    return _script(tuple(guards.values()))(
        (kept_of(act), about(act), *own, *names, *idle, *more), args
    )


@functools.lru_cache(maxsize=64)
def _script(guards: tuple[Guard, ...]) -> Script:
    pieces = "".join(
        f"{table}[{at}] = function(KEYS, ARGV, JOB, DUE, PROMOTING) -- {guard.name}\n{lua}\nend\n"
        for at, guard in enumerate(guards, 1)
        for table, lua in (("checks", guard.check), ("takes", guard.take))
    )
    return undoing(f"local checks, takes = {{}}, {{}}\n{pieces}")


def _words(answer: Any, job: _Kept) -> str:
    if isinstance(answer, int):
        return {1: "", 0: GONE}.get(answer, THERE)
    text = answer[1:].decode(errors="replace")
    if answer[:1] == b"?":
        number, _, why = text.partition(" ")
        return f"guard {job.guards[int(number) - 1][0].name} declined it: {why}"
    return f"Redis refuses it: {text}"


def _told(home: Connection, ids: Sequence[str]) -> list[Undoable | None]:
    commands: list[Command] = []
    for act in ids:
        commands += (
            ("HMGET", about(act), "by", "what", "at", "beyond"),
            ("LLEN", kept_of(act)),
            ("PTTL", kept_of(act)),
        )
    replies = home.exchange(commands) if commands else []
    return [_one(act, *replies[3 * at : 3 * at + 3]) for at, act in enumerate(ids)]


def _one(act: str, said: Sequence[bytes | None], size: int, left: int) -> Undoable | None:
    by, what, at, beyond = ((each or b"").decode(errors="replace") for each in said)
    if not size or not at:
        return None
    jobs, more = size // _FIELDS, int(beyond or 0)
    return Undoable(act, by, what, float(at), jobs, more, max(0, left) / 1000)
