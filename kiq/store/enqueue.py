"""Pushing: payloads into queues and into the scheduled set."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import keys
from ..errors import StoreError
from ..jid import new_jid
from . import scripts
from .connection import Connector
from .link_pool import LinkPool
from .scripts import Command, Packed

ByQueue = dict[str, list[bytes]]
Scheduled = tuple[float, bytes]


class Parcel(NamedTuple):
    """Payloads for one place, and the command that pushes them: it may be sent again unharmed."""

    command: Packed
    raws: list[bytes]


class Enqueue:
    """Writes encoded payloads.

    Threads: any, and any forked child; each call borrows a connection.
    """

    def __init__(self, connector: Connector) -> None:
        self._links = LinkPool(connector)

    def push(self, queue: str, raw: bytes) -> None:
        """Put one payload into *queue*. One round trip; raises StoreError."""
        self.send((b"*8%b\r\n$%d\r\n%b\r\n" % (_before_payloads(queue), len(raw), raw),))

    def push_many(self, queues: ByQueue, scheduled: Sequence[Scheduled] = ()) -> None:
        """Put payloads into their queues and the scheduled set. One round trip; raises StoreError.

        Within a queue the first runs first. Queues are written one after the other: if one refuses,
        others may have been written.
        """
        self.send(commands_for(queues, scheduled))

    def send(self, commands: Sequence[Packed]) -> None:
        """Send *commands*. One round trip; raises the first StoreError that one was refused with."""
        replies = self._links.tell(commands) if commands else ()
        refused = [reply for reply in replies if isinstance(reply, StoreError)]
        if refused:
            refused[0].maybe_done = len(refused) < len(commands)
            raise refused[0]

    def score(self, key: str, member: str) -> float | None:
        """Return the score of *member* in the sorted set *key*. One round trip; raises StoreError."""
        asked = scripts.pack(("ZSCORE", key, member))
        found, _ = self._links.tell((asked, asked))  # one alone is taken to answer with a number
        return float(found) if isinstance(found, bytes) else None

    def exchange(self, commands: Sequence[Packed]) -> Sequence[Any]:
        """Send *commands* and return something for each: the StoreError, if it was refused."""
        return self._links.tell(commands) or [None] * len(commands)


def commands_for(queues: ByQueue, scheduled: Sequence[Scheduled]) -> list[Packed]:
    """Return what pushes *queues* and *scheduled*: a command for each queue, one for what is due later."""
    commands = [
        b"*%d%b%b\r\n" % (7 + len(raws), _before_payloads(queue), scripts.pack_parts(raws))
        for queue, raws in queues.items()
    ]
    if scheduled:
        commands.append(scripts.pack(schedule_command(scheduled)))
    return commands


def parcels(queues: ByQueue, scheduled: Sequence[Scheduled] = ()) -> list[Parcel]:
    """Return what pushes *queues* and *scheduled*, each place's once; a token counts for an hour."""
    found = [(push_command(queue, raws), raws) for queue, raws in queues.items()]
    if scheduled:
        found.append((schedule_command(scheduled), [raw for _, raw in scheduled]))
    return [Parcel(scripts.pack(scripts.once(command, new_jid())), raws) for command, raws in found]


def push_command(queue: str, raws: Sequence[bytes]) -> Command:
    """Return the command that puts *raws* into *queue*."""
    return scripts.push((keys.queue(queue), keys.QUEUES, keys.idle(queue)), (queue, *raws))


@functools.lru_cache(maxsize=1024)
def _before_payloads(queue: str) -> bytes:
    """Return the seven parts that pushes into *queue* have in common, packed."""
    return scripts.pack(push_command(queue, ()))[len("*7") : -len("\r\n")]


def schedule_command(scheduled: Sequence[Scheduled]) -> Command:
    """Return the command that puts (due time, payload) pairs into the scheduled set."""
    pairs = [part for at, raw in scheduled for part in (repr(float(at)), raw)]
    return scripts.schedule((keys.SCHEDULE, keys.QUEUES), (keys.bell(keys.POLLER_BELL), *pairs))
