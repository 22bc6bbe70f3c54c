"""Pushing: payloads into queues and into the scheduled set."""

from __future__ import annotations

from collections.abc import Sequence

from .. import keys
from ..errors import StoreError
from . import scripts
from .connection import Connector, LinkPool
from .scripts import Command

Scheduled = tuple[float, bytes]


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

    def push_many(
        self, queues: dict[str, list[bytes]], scheduled: Sequence[Scheduled] = ()
    ) -> None:
        """Put payloads into their queues and the scheduled set. One round trip; raises StoreError.

        Within a queue the first runs first. Queues are written one after the other: if one refuses,
        others may have been written.
        """
        commands = [push_command(queue, raws) for queue, raws in queues.items()]
        if scheduled:
            commands.append(schedule_command(scheduled))
        with self._links.link() as link:
            for reply in link.exchange(commands):
                if isinstance(reply, StoreError):
                    raise reply


def push_command(queue: str, raws: Sequence[bytes]) -> Command:
    """Return the command that puts *raws* into *queue*."""
    return scripts.push((keys.queue(queue), keys.QUEUES, keys.idle(queue)), (queue, *raws))


def schedule_command(scheduled: Sequence[Scheduled]) -> Command:
    """Return the command that puts (due time, payload) pairs into the scheduled set."""
    pairs = [part for at, raw in scheduled for part in (repr(float(at)), raw)]
    return scripts.schedule((keys.SCHEDULE,), (keys.bell(keys.POLLER_BELL), *pairs))
