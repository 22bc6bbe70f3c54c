"""Ways out of a sorted set of jobs: each one script, with the very bytes, or nothing happens."""

from __future__ import annotations

from collections.abc import Sequence

from .. import keys
from ..clock import wall
from ..store.flight import DeadLimits
from ..store.scripts import Command
from . import scripts

_KNOWN = (keys.DEAD_REASON, keys.SUSPECTS)


def to_queue(source: str, queue: str, raws: Sequence[bytes], jobs: Sequence[bytes] = ()) -> Command:
    """Return the command that moves *raws*, at most a hundred, from the set *source* to *queue*.

    *jobs* are what enters the queue instead of each, if not the very bytes.
    """
    targets = (keys.queue(queue), keys.QUEUES, keys.idle(queue))
    return scripts.to_queue((source, *_KNOWN, *targets), (queue, len(raws), *raws, *jobs))


def to_set(
    source: str, target: str, score: float, raws: Sequence[bytes], limits: DeadLimits
) -> Command:
    """Return the command that moves *raws*, at most a hundred, to *score* in the set *target*.

    *limits* are those of the dead set. The reply is the places (the first is 1) of what was moved.
    """
    bell = keys.bell(keys.POLLER_BELL)
    bounds = (repr(wall() - limits.age), limits.size)
    return scripts.to_set((source, *_KNOWN, target), (repr(score), bell, *bounds, *raws))


def kill(source: str, raws: Sequence[bytes], limits: DeadLimits) -> Command:
    """Return the command that moves *raws* to the dead set, which is trimmed to *limits*."""
    return to_set(source, keys.DEAD, wall(), raws, limits)


def delete(source: str, raws: Sequence[bytes]) -> Command:
    """Return the command that deletes *raws* from the set *source*."""
    return scripts.delete((source, *_KNOWN), raws)


def clear(source: str) -> Command:
    """Return the command that deletes the set *source*."""
    return scripts.clear_set((source, keys.DEAD_REASON))
