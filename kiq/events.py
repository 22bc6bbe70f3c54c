"""Life-cycle events of a worker process."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from .errors import ConfigError

#: ``startup`` before the first job; ``quiet`` when fetching stops; ``shutdown`` when stopping begins;
#: ``exit`` last; ``heartbeat`` once, at the first beat; ``beat`` at every beat.
EVENTS = ("startup", "quiet", "shutdown", "exit", "heartbeat", "beat")

#: Events that undo what ``startup`` did run in reverse order of registration.
_REVERSED = frozenset({"quiet", "shutdown", "exit"})

Handler = Callable[[], Any]


class Events:
    """Who listens to what.

    Threads: registered at boot; emitted by the launcher (startup, quiet, shutdown, exit) and by the
    heartbeat thread (heartbeat, beat).
    """

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {event: [] for event in EVENTS}

    def on(self, event: str, handler: Handler) -> Handler:
        """Call *handler* without arguments at each *event*. Raises ConfigError for an unknown one."""
        if event not in self._handlers:
            near = difflib.get_close_matches(event, EVENTS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"unknown event {event!r}{hint} (there are: {', '.join(EVENTS)})")
        self._handlers[event].append(handler)
        return handler

    def emit(self, event: str, report: Callable[[BaseException, dict[str, Any]], None]) -> None:
        """Call every handler of *event*; what one raises goes to *report*, and the next still runs."""
        for handler in self._in_order(event):
            try:
                handler()
            except BaseException as error:  # noqa: BLE001 (a listener can't stop what it listens to)
                report(error, {"event": event})

    def emit_strictly(self, event: str) -> None:
        """Call every handler of *event*; the first error is raised (used for ``startup``)."""
        for handler in self._in_order(event):
            handler()

    def _in_order(self, event: str) -> list[Handler]:
        handlers = self._handlers[event]
        return handlers[::-1] if event in _REVERSED else handlers[:]
