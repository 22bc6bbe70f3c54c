"""The post: where a process is asked how it is, and whom it tells unasked."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..clock import steady
from ..config import Config
from .address import Address, parse
from .condition import Condition, answer
from .door import Door
from .http import Answer
from .listening import listen
from .settings import HealthSettings
from .systemd import Notifier


def address_of(config: Config) -> Address | None:
    """Return where health is to be answered by *config*; None for nowhere."""
    return parse(config.of(HealthSettings).health)


class Post:
    """Answers at *address*, and tells *notifier*. Threads: one.

    *condition* returns the condition of this process, *metrics* answers ``/metrics``; *inherited* listen at
    *address* already. Raises ConfigError where nothing can listen there.
    """

    def __init__(
        self,
        address: Address | None,
        notifier: Notifier,
        condition: Callable[[], Condition],
        metrics: Callable[[], Answer] | None = None,
        inherited: Sequence[socket.socket] = (),
    ) -> None:
        self.notifier = notifier
        self._condition = condition
        self._metrics = metrics
        self._path = address.path if address is not None else ""
        self._door = None
        if address is not None:
            self._door = Door(inherited or listen(address), self._answer)

    @property
    def wanted(self) -> bool:
        """Whether anybody asks, or is to be told."""
        return self._door is not None or self.notifier.wanted

    @property
    def descriptors(self) -> list[int]:
        """The sockets that listen."""
        return self._door.descriptors if self._door is not None else []

    def wait(self, seconds: float, bell: int = -1) -> bool:
        """Answer for so many seconds at most, until *bell*, a descriptor, has something to read.

        Returns whether it has.
        """
        until = steady() + max(0.0, seconds)
        while True:
            poll = select.poll()
            if bell >= 0:
                poll.register(bell, select.POLLIN)
            for descriptor, events in self._door.wanted().items() if self._door else ():
                poll.register(descriptor, events)
            left = until - steady()
            ready = dict(poll.poll(max(0.0, left) * 1000))
            if self._door is not None:
                self._door.serve(ready)
            if bell in ready or left <= 0:
                return bell in ready

    def look(self) -> None:
        """Tell what there is to tell; call it every second."""
        if not self.notifier.wanted:
            return
        condition = self._condition()
        self.notifier.status(condition.stuck or condition.idle or condition.does)
        self.notifier.look(alive=not condition.stuck)

    def close(self) -> None:
        """Answer no more."""
        if self._door is not None:
            self._door.close()
        if self._path:
            with suppress(OSError):
                os.unlink(self._path)

    def _answer(self, path: str) -> Answer | None:
        return answer(path, self._condition(), self._metrics)
