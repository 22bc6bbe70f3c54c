"""Caps: what features say, inside the fetch script, of how many jobs of a queue may be taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..clock import steady
from ..errors import StoreError
from ..plugin import Host
from ..riding import Ride
from ..store import capped
from ..store.capped import Question
from ..store.scripts import Command

_CLOSED = 1.0  # seconds for which a queue is left alone whose cap has failed
_MOST_TOLD = 100  # problems that are told apart; each is reported once

Reader = Callable[[Any], None]


class Caps:
    """Joins ``host.fleet_caps`` to fetches. A queue whose cap fails is closed for a second; others go on.

    Threads: who leads.
    """

    def __init__(self, host: Host, report: Callable[[BaseException, dict[str, Any]], None]) -> None:
        self._host = host
        self._report = report
        self._closed: dict[str, float] = {}  # queue -> until when (steady clock)
        self._told: set[tuple[str, str]] = set()

    def around(
        self, command: Command, queues: Sequence[str], read: Reader
    ) -> tuple[Command, Reader]:
        """Return *command*, a fetch from *queues*, with what is asked of them, and what reads the reply."""
        caps = self._host.fleet_caps
        questions = [
            question
            for place, queue in enumerate(queues, 1)
            for question in self._questions(place, queue)
        ]
        if not questions:
            return command, read

        def unload(reply: Any) -> None:
            own, problems = capped.read(reply)
            for number, place, text in problems:
                name = caps[number - 1].name
                self._failed(name, queues[place - 1], StoreError(f"cap {name}: {text}"))
            read(own)

        return capped.join(command, caps, questions), unload

    def _questions(self, place: int, queue: str) -> list[Question]:
        found = []
        for number, cap in enumerate(self._host.fleet_caps, 1):
            try:
                ride = cap.asked(queue)
            except Exception as error:  # noqa: BLE001 (the other queues go on)
                self._failed(cap.name, queue, error)
                break
            if ride is not None:
                found.append(Question(number, place, ride))
        if self._closed.get(queue, 0.0) > steady():
            return [Question(0, place, Ride(()))]
        return found

    def _failed(self, name: str, queue: str, error: Exception) -> None:
        self._closed[queue] = steady() + _CLOSED
        known = (name, str(error))
        if known not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(known)
            self._report(error, {"context": f"cap {name}", "queue": queue})
