"""Ways out of a sorted set of jobs: each one script, with the very bytes, or nothing happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .. import keys
from ..clock import wall
from ..store.flight import DeadLimits
from ..store.scripts import Command
from . import scripts
from .trash import taking

_KNOWN = (keys.DEAD, keys.DEAD_REASON, keys.SUSPECTS)

_TARGET = 1 + len(_KNOWN)  # of the names that a move to a set is given
_POLLER = keys.bell(keys.POLLER_BELL)


class Leaving(NamedTuple):
    """A job that leaves a set to be run: its bytes there, its jid, and its bytes from then on."""

    raw: bytes
    jid: str
    job: bytes


def to_queue(source: str, queue: str, leaving: Sequence[Leaving]) -> Command:
    """Return the command that moves at most a hundred jobs from the set *source* to the list of *queue*.

    The reply is how many were moved.
    """
    targets = (keys.queue(queue), keys.QUEUES, keys.idle(queue))
    names = (source, *_KNOWN, *targets, *_states(leaving))
    given = (queue, len(leaving), *_bytes(leaving))
    return taking(scripts.to_queue, names, given, keys.queue(queue))


def to_set(source: str, target: str, score: float, leaving: Leaving) -> Command:
    """Return the command that moves a job that is to run to *score* in the set *target*."""
    names = (source, *_KNOWN, target, _POLLER, *_states([leaving]))
    return _to_set(names, score, (1, *_bytes([leaving])), DeadLimits(0, 0.0))


def kill(source: str, raws: Sequence[bytes], limits: DeadLimits) -> Command:
    """Return the command that moves *raws* to the dead set, which is trimmed to *limits*.

    The reply is how many jobs the dead set dropped, then the places (the first is 1) of what was moved.
    """
    return _to_set((source, *_KNOWN, keys.DEAD, _POLLER), wall(), (len(raws), *raws), limits)


def delete(source: str, raws: Sequence[bytes]) -> Command:
    """Return the command that deletes *raws* from the set *source*.

    The reply is 0, then the places (the first is 1) of those that were there.
    """
    return taking(scripts.delete, (source, *_KNOWN), raws)


def clear(source: str) -> Command:
    """Return the command that deletes the set *source*."""
    return taking(scripts.clear_set, (source, keys.DEAD, keys.DEAD_REASON))


def _to_set(
    names: Sequence[str], score: float, members: Sequence[int | bytes], limits: DeadLimits
) -> Command:
    bounds = (repr(wall() - limits.age), limits.size)
    given = (repr(score), *bounds, *members)
    return taking(scripts.to_set, names, given, names[_TARGET])


def _states(leaving: Sequence[Leaving]) -> list[str]:
    # An iterable job that was cancelled would end at once.
    return [keys.iteration(each.jid) for each in leaving]


def _bytes(leaving: Sequence[Leaving]) -> list[bytes]:
    raws, jobs = [each.raw for each in leaving], [each.job for each in leaving]
    return raws if raws == jobs else raws + jobs
