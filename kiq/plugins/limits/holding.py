"""Keeps blocks in the limits that they have entered, for as long as this process lives."""

from __future__ import annotations

import logging
import os
import threading
from typing import NamedTuple

from ...api.home import Connection
from ...errors import StoreError
from .asking import stays
from .terms import Held

#: Seconds for which a block is in a limit without being renewed, and between two renewals.
LEASE, _BEAT = 15.0, 5.0


class _Slot(NamedTuple):
    """A block that is in *held*, on the Redis of *home*."""

    home: Connection
    held: Held


class Keeper:
    """Renews the slots of all blocks of this process, on a thread that is there while there are some.

    Threads: any.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Hold nothing: a forked child enters blocks of its own."""
        self._mutex = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, holder: str, home: Connection, held: Held) -> None:
        """Keep *holder* in."""
        with self._mutex:
            self._slots[holder] = _Slot(home, held)
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._run, name="kiq-limits", daemon=True)
                self._thread.start()

    def remove(self, holder: str) -> None:
        """Let it go."""
        with self._mutex:
            self._slots.pop(holder, None)
            if not self._slots:
                self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(_BEAT)
            with self._mutex:
                slots = dict(self._slots)
                if not slots:
                    self._thread = None
                    return
                self._wake.clear()
            for holder, slot in slots.items():
                self._renew(holder, slot)

    def _renew(self, holder: str, slot: _Slot) -> None:
        try:
            there = slot.home.call(stays(slot.held, holder, LEASE))
        except StoreError as error:
            logger.warning("limit %s: a slot could not be renewed: %s", slot.held.id, error)
            return
        if not there and holder in self._slots:
            logger.warning(
                "limit %s: this process was silent for so long that a slot of it was freed",
                slot.held.id,
            )
            self.remove(holder)


logger = logging.getLogger("kiq.limits")
keeper = Keeper()
os.register_at_fork(after_in_child=keeper.begin)
