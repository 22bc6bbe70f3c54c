"""The bell: the channel that wakes an idle owner. Nothing else is called so."""

from __future__ import annotations

import logging
import select

from .. import keys
from ..clock import steady
from ..errors import StoreError
from ..store.connection import Connector, Link

logger = logging.getLogger("kiq.bell")


def wait_for(seconds: float, *descriptors: int) -> set[int]:
    """Sleep until one of *descriptors* can be read (negative ones are left out); return which can."""
    poll = select.poll()
    for descriptor in descriptors:
        if descriptor >= 0:
            poll.register(descriptor, select.POLLIN)
    return {ready for ready, _ in poll.poll(max(0.0, seconds) * 1000)}


_PAUSE = 1.0  # seconds between two attempts to listen


class Listener:
    """Hears one bell, on a connection of its own. Losing it costs milliseconds, never a job.

    Threads: its owner's only.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._link: Link | None = None
        self._next_try = 0.0
        self._unheard = 0

    def listen(self, owner: str) -> bool:
        """Listen for *owner*'s bell, unless it does so already. One round trip when it begins.

        Returns whether it began: a bell right behind the confirmation may have been read with it, so that
        the socket tells nothing. Who did not look behind that moment calls :meth:`heard`.
        """
        if self._link is not None or steady() < self._next_try:
            return False
        link = self._connector.open()
        try:
            link.listen(keys.bell(owner))
        except StoreError as error:
            link.close()
            self._next_try = steady() + _PAUSE
            logger.debug("can't listen for the bell: %s", error)
            return False
        self._link = link
        self._unheard = 0
        return True

    @property
    def listening(self) -> bool:
        """Whether it has a subscription."""
        return self._link is not None

    def fileno(self) -> int:
        """Return the socket to watch; -1 when it is not listening."""
        return self._link.fileno() if self._link is not None else -1

    def heard(self) -> bool:
        """Tell whether the bell has rung since the last call; does not wait."""
        if self._link is None:
            return False
        try:
            rung = self._link.heard() > 0
        except StoreError as error:
            logger.debug("the bell's connection broke: %s", error)
            self.close()
            return True  # something may have been missed: look
        if rung:
            self._unheard = 0
        return rung

    def missed(self, names: int) -> None:
        """Note that *names* had been taken off the idle sets, though no bell was heard."""
        self._unheard += 1 if names else 0
        if self._unheard >= 3:
            logger.debug("popped from the idle sets but never rung: subscribing anew")
            self.close()

    def close(self) -> None:
        """Stop listening."""
        if self._link is not None:
            self._link.close()
            self._link = None
