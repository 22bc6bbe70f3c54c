"""Processes that help a parent, each forked for one purpose: they talk to Redis, which it never does."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence

from .giving_back import Dead
from .members import Member
from .nursery import Nursery
from .saying import say

_PERMIT = 10.0  # seconds that a helper goes on without a look of the parent's


class Helpers:
    """Who gives back what dead children held, who renews leases of silent ones. Threads: the parent's."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._dead: list[Dead] = []  # whose jobs are to go back
        self._giving: list[Dead] = []  # ... and are going
        self._giver: int | None = None
        self._keepers: dict[int, int] = {}  # silent child -> who renews its leases
        self._asked: set[int] = set()  # silent children that were asked where they are

    @property
    def busy(self) -> bool:
        """Whether something of the dead is not back yet."""
        return bool(self._dead) or self._giver is not None

    @property
    def owed(self) -> list[Dead]:
        """What of the dead is not back yet."""
        return [*self._dead, *self._giving]

    def owe(self, dead: Dead) -> None:
        """See to it that what *dead* held goes back."""
        self._dead.append(dead)

    def ended(self, pid: int, code: int) -> None:
        """Note the end of a process; what a helper left undone is tried again."""
        if pid == self._giver:
            self._giver = None
            self._dead += self._giving if code else []
            self._giving = []
        self._keepers = {child: keeper for child, keeper in self._keepers.items() if keeper != pid}

    def give_back(self) -> None:
        """Let what is owed go back, if nobody is at it."""
        if self._giver is not None or not self._dead:
            return
        try:
            self._giver = self._nursery.give_back(self._dead)
        except OSError as error:
            say(logging.ERROR, "what dead children held can't go back yet: %s", error)
            return
        self._giving, self._dead = self._dead, []

    def keep(self, silent: Sequence[Member], now: float) -> None:
        """Let the leases of *silent* children be renewed, and no others; call it every second."""
        there = {member.pid: member for member in silent}
        for pid in self._keepers.keys() - there.keys():
            self._nursery.send(self._keepers[pid], signal.SIGKILL)
            if self._nursery.has(pid):
                say(logging.WARNING, "the child with pid %d is no longer silent", pid)
        self._asked &= there.keys()
        for pid, member in there.items():
            self._nursery.page_of(pid).permit = now + _PERMIT
            if pid not in self._keepers:
                self._fork_keeper(pid)
            if pid not in self._asked:
                self._asked.add(pid)
                self._nursery.ask_where(pid)
            elif where := self._nursery.where(pid):
                self._tell(member, where, now)

    def _fork_keeper(self, pid: int) -> None:
        try:
            self._keepers[pid] = self._nursery.keep(pid)
        except OSError as error:
            say(logging.ERROR, "the lease of child with pid %d can't be renewed: %s", pid, error)

    @staticmethod
    def _tell(member: Member, where: str, now: float) -> None:
        say(
            logging.ERROR,
            "child %d (pid %d) has been silent for %.0f s: a job holds its interpreter, no other runs; its "
            "lease is renewed meanwhile. The threads that don't wait are here:\n%s",
            member.slot,
            member.pid,
            now - member.beat,
            where,
        )
