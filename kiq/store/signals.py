"""Signals that others send to a process through Redis: each is heard once, whatever connections do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, pairwise
from typing import Any

from .. import keys
from .scripts import Command

_AT_A_TIME = 5


class SentSignals:
    """Moves what was sent to a list of this process's, and reads that; forgets it at the next time but one.

    A reply that gets lost loses nothing: the same list is read again. Three lists take turns: one is
    read, one was heard and stays until what it brought about is shown, one is forgotten. Threads: the
    heartbeat's.
    """

    def __init__(self, identity: str) -> None:
        self._sent = keys.signals(identity)
        self._turns = cycle(pairwise((*keys.heard(identity), keys.heard(identity)[0])))
        self._reading, self._forgotten = next(self._turns)

    def commands(self) -> list[Command]:
        """Return the commands that read, for one write."""
        return [
            ("DEL", self._forgotten),
            *[("LMOVE", self._sent, self._reading, "RIGHT", "RIGHT")] * _AT_A_TIME,
            ("EXPIRE", self._reading, keys.PROCESS_TTL),
            ("LRANGE", self._reading, 0, -1),
        ]

    def read(self, replies: Sequence[Any]) -> list[str]:
        """Return what :meth:`commands` found, in order.

        What was sent several times since the last look is one, the last: two people said the same, and
        nobody meant that running jobs are to be broken off.
        """
        found = replies[-1]
        if not isinstance(found, list):
            return []  # Redis refused: somebody's key of another type
        self._reading, self._forgotten = next(self._turns)
        names = [name.decode(errors="replace") for name in reversed(found)]
        return list(dict.fromkeys(names))[::-1]
