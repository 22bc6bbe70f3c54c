"""Pushing: payloads into queues and into the scheduled set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import keys
from ..errors import StoreError
from ..jid import new_jid
from . import scripts
from .connection import Connector
from .pool import LinkPool
from .scripts import Command

ByQueue = dict[str, list[bytes]]
Scheduled = tuple[float, bytes]


class Parcel(NamedTuple):
    """Payloads for one place, and the command that pushes them: it may be sent again unharmed."""

    command: Command
    raws: list[bytes]


class Enqueue:
    """Writes encoded payloads.

    Threads: any, and any forked child; each call borrows a connection.
    """

    def __init__(self, connector: Connector) -> None:
        self._links = LinkPool(connector)

    def push(self, queue: str, raw: bytes) -> None:
        """Put one payload into *queue*. One round trip; raises StoreError."""
        command = scripts.push((keys.queue(queue), keys.QUEUES, keys.idle(queue)), (queue, raw))
        with self._links.link() as link:
            link.call(command)

    def push_many(self, queues: ByQueue, scheduled: Sequence[Scheduled] = ()) -> None:
        """Put payloads into their queues and the scheduled set. One round trip; raises StoreError.

        Within a queue the first runs first. Queues are written one after the other: if one refuses,
        others may have been written.
        """
        commands = [push_command(queue, raws) for queue, raws in queues.items()]
        if scheduled:
            commands.append(schedule_command(scheduled))
        self.send(commands)

    def send(self, commands: Sequence[Command]) -> None:
        """Send *commands*. One round trip; raises the first StoreError that one was refused with."""
        refused = [reply for reply in self.exchange(commands) if isinstance(reply, StoreError)]
        if refused:
            refused[0].maybe_done = len(refused) < len(commands)
            raise refused[0]

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* and return a reply, or the StoreError of a refusal, for each."""
        with self._links.link() as link:
            return link.exchange(commands)


def parcels(queues: ByQueue, scheduled: Sequence[Scheduled] = ()) -> list[Parcel]:
    """Return what pushes *queues* and *scheduled*, each place's once; a token counts for an hour."""
    found = [(push_command(queue, raws), raws) for queue, raws in queues.items()]
    if scheduled:
        found.append((schedule_command(scheduled), [raw for _, raw in scheduled]))
    return [Parcel(scripts.once(command, keys.pushed(new_jid())), raws) for command, raws in found]


def push_command(queue: str, raws: Sequence[bytes]) -> Command:
    """Return the command that puts *raws* into *queue*."""
    return scripts.push((keys.queue(queue), keys.QUEUES, keys.idle(queue)), (queue, *raws))


def schedule_command(scheduled: Sequence[Scheduled]) -> Command:
    """Return the command that puts (due time, payload) pairs into the scheduled set."""
    pairs = [part for at, raw in scheduled for part in (repr(float(at)), raw)]
    return scripts.schedule((keys.SCHEDULE,), (keys.bell(keys.POLLER_BELL), *pairs))
