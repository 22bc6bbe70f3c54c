"""What features add to the writes that settle jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from . import keys
from .errors import PluginError

if TYPE_CHECKING:
    from .settled import Settled

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Ride(NamedTuple):
    """What a piece of Lua gets for one job: all *keys* that it touches, and its *args*."""

    keys: Sequence[str]
    args: Sequence[str | bytes | int | float] = ()


@dataclass(frozen=True, slots=True)
class Rider:
    """A feature's part of the writes that settle jobs, in their round trip.

    *recording* returns commands that are sent before: they are repeated when the write is, and when a
    job runs twice, so they must be the same to Redis the second time (write by jid, add nothing up).
    *releasing* returns what *lua* gets, the body of a function of ``KEYS`` and ``ARGV``: it runs once,
    at the end of the step that settles the job (or gives it back when its process has died), and only
    if the job was in flight until then. Both return nothing where a job is no concern of theirs. They
    are called by kiq's own threads, and must not wait. With *payload_field* they are asked about jobs
    that have that field, and no others are decoded.

    What fails is reported, and keeps no job from being settled.
    """

    name: str
    lua: str = ""
    releasing: Callable[[Settled], Ride | None] | None = None
    recording: Callable[[Settled], Sequence[tuple[Any, ...]] | None] | None = None
    payload_field: str = ""

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise PluginError(f"a rider's name is a word in small letters, not {self.name!r}")
        if bool(self.lua) != (self.releasing is not None):
            raise PluginError(f"rider {self.name}: lua and releasing go together")


_IN_FLIGHT = """for _, hash in ipairs(KEYS) do
  if redis.call('HEXISTS', hash, ARGV[1]) == 1 then return 1 end
end
return 0"""


def in_flight(queue: str, token: str) -> tuple[str | int, ...]:
    """Return the command that asks whether the delivery *token* of a job of *queue* is in flight (1)."""
    owner, _, delivery = token.rpartition(" ")
    hashes = [keys.inflight(keys.queue(name), owner) for name in keys.bands(queue)]
    return "EVAL", _IN_FLIGHT, len(hashes), *hashes, delivery


def queue_keys(queue: str) -> tuple[str, str, str]:
    """Return the keys that a piece needs for ``enqueue(KEYS[1], KEYS[2], KEYS[3], queue, payload)``.

    Where *payload* has a priority, *queue* is :func:`kiq.priority.list_of` it, here and there.
    """
    return keys.queue(queue), keys.QUEUES, keys.idle(queue)
