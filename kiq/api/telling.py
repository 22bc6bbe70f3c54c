"""What the data API deletes and kills, and what plugins have to do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import riders
from ..clock import wall
from ..errors import StoreError
from ..plugin import host
from ..riders import Reader
from ..settled import DELETED, Fate, Settled
from ..store.scripts import Command
from ..verdict import ToDead
from .home import Connection


def watched() -> bool:
    """Tell whether each job counts that is deleted: then they can't go all at once."""
    return bool(host.settled_handlers or host.riders)


def deleted(_raw: bytes) -> Fate:
    """Return what became of a job that was deleted."""
    return DELETED


def killed(raw: bytes) -> Fate:
    """Return what became of a job that went to the dead set as it is."""
    return ToDead(raw, wall(), "killed through kiq.api", ran=False)


class Leaving:
    """Jobs that leave *source* by one command; its reply is a number, then the places of those that did."""

    def __init__(self, source: str, raws: Sequence[bytes], fate: Callable[[bytes], Fate]) -> None:
        self._jobs = [Settled(raw, source, fate(raw)) for raw in raws] if watched() else []
        self._unloaded: Reader = list

    def commands(self, command: Command) -> list[Command]:
        """Return *command* with what rides on it."""
        if not self._jobs:
            return [command]
        jobs = [riders.Leaving(job, "", str(place)) for place, job in enumerate(self._jobs, 1)]
        commands, self._unloaded = _riders.around([command], [jobs])
        return commands

    def reply(self, replies: Sequence[Any]) -> Any:
        """Return the reply to the command; tell of those that left."""
        (reply,) = self._unloaded(replies)
        if self._jobs and not isinstance(reply, StoreError):
            host.tell_settled([self._jobs[place - 1] for place in reply[1:]])
        return reply

    def exchange(self, home: Connection, command: Command) -> Any:
        """Send *command* and return its reply. One round trip; raises StoreError."""
        reply = self.reply(home.replies(self.commands(command)))
        if isinstance(reply, StoreError):
            raise reply
        return reply


_riders = riders.Riders(host, host.report)
