"""A duty: what one process of the fleet does for all, and how that one is found."""

from __future__ import annotations

import logging

from ..clock import steady
from ..store import elections
from ..store.connection import Link
from .worker import Worker

_ROOM = 3.0  # seconds for which who fails at a duty leaves it to others
_KEEP = (
    10.0  # seconds for which a process has it at least: two that fail must not pass it to and fro
)


class Duty:
    """One process's part in an election.

    Elected is only who beats, as others count whoever does not among the dead; and who fails at the
    duty makes room for another that wants it. Threads: that of who does the duty.
    """

    def __init__(self, worker: Worker, key: str, what: str, *, term: float, longest: float) -> None:
        """*what* this process does when elected; *longest* is the longest *term* of any process."""
        self._worker = worker
        self._key = key
        self._what = what
        self._term = term
        self._longest = longest
        self._logger = logging.getLogger(key.replace(":", "."))
        self._elected = False
        self._other = ""  # who had it when this process was not elected
        self._wanted = False  # by another process
        self._away_until = self._keep_until = 0.0

    def take(self, link: Link) -> bool:
        """Become or stay elected; return whether it is. Raises StoreError. One round trip."""
        if not self._worker.beats:
            if self._elected:
                self._give_up(link, "this process does not renew its lease")
            return False
        if steady() < self._away_until:
            return False
        me = self._worker.identity
        elected, before, self._wanted = elections.elect(
            link, self._key, me, self._term, self._longest
        )
        if before and before != me:
            self._other = before
        if elected and not self._elected:
            last = f", as process {self._other} did" if self._other else ""
            self._logger.info("this process %s now%s", self._what, last)
        self._elected = elected
        return elected

    def fail(self, link: Link, why: object) -> None:
        """Make room for another process, if one wants it. Raises StoreError. One round trip."""
        if self._wanted and steady() > self._keep_until:
            self._keep_until = steady() + _ROOM + _KEEP
            self._give_up(link, why)

    def _give_up(self, link: Link, why: object) -> None:
        self._logger.warning(
            "this process leaves it to others for a while to be the one that %s: %s",
            self._what,
            why,
        )
        self._away_until = steady() + _ROOM
        self.resign(link)

    def resign(self, link: Link) -> None:
        """Let another process take it at once. Raises StoreError. One round trip."""
        self._elected = False
        elections.resign(link, self._key, self._worker.identity)
