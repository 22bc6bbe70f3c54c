"""The files of a parent: its pid file, and the record that answers those who order a rolling restart."""

from __future__ import annotations

import logging
import os

from .. import machine
from ..config import Config
from ..errors import KiqError
from . import pid_file
from .fleet import Fleet
from .heritage import Heritage
from .members import Told
from .record import Record, State, space
from .renewal import home
from .saying import say
from .settings import ParentSettings


class Answers:
    """Threads: the parent's one. *left* is from before it began anew. Raises as :func:`pid_file.claim`."""

    def __init__(self, config: Config, fleet: Fleet, left: Heritage | None) -> None:
        path = config.of(ParentSettings).pidfile
        self._fleet = fleet
        try:
            self._pid_file = pid_file.claim(path, left.pid_file if left is not None else -1)
        except KiqError as error:
            if left is None:
                raise
            self._pid_file = None  # it goes on: it has children that work
            say(logging.ERROR, "%s", error)
        state = State(
            pid=os.getpid(),
            processes=fleet.limits.processes,
            folder=home(),
            file=config.file or "",
            tag=config.tag,
            space=space(),
        )
        self._record = Record(machine.run_folder(), state, left.record if left is not None else -1)
        if left is not None and self._record.state.step and not self._record.state.over:
            self._record.tell(step="replacing")

    def leave(self) -> dict[str, int]:
        """Return the descriptors by which the next parent holds them."""
        held = self._pid_file.descriptor if self._pid_file is not None else -1
        return {"record": self._record.descriptor, "pid_file": held}

    def ordered(self) -> None:
        """Note an order to restart."""
        self._record.tell(orders=self._record.state.orders + 1, step="trying", why="")
        self.look()

    def forked(self) -> None:
        """Note that forks of the old code replace the children, as there can be no new parent."""
        self._record.tell(step="replacing")

    def failed(self, why: str) -> None:
        """Say why a restart came to nothing."""
        self._record.fail(why)

    def look(self) -> None:
        """Say how far it is; call it every second or so."""
        fleet, members = self._fleet, self._fleet.members.values()
        self._record.keep()
        self._record.tell(
            ready=sum(one.ready for one in members),
            old=sum(one.told is Told.FINISH for one in members),
        )
        if fleet.stopping:
            self._record.fail("the parent was told to stop, or gave up")
        elif fleet.quiet:
            self._record.fail("the parent is quiet: it starts no child any more")
        elif self._record.state.step == "replacing":
            if fleet.renewal_failed:
                self._record.fail(
                    "no new child could be a worker, see the log of the parent. The old ones stay"
                )
            elif fleet.renewed:
                self._record.tell(step="done")

    def end(self) -> None:
        """The parent ends."""
        self._record.remove()
        if self._pid_file is not None:
            self._pid_file.remove()
