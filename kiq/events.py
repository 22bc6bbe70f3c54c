"""Life-cycle events of a worker process."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from .errors import ConfigError
from .seal import Seal
from .undone import check_done, refuse_undone

#: ``startup`` before the first job; ``quiet`` when fetching stops; ``shutdown`` when stopping begins;
#: ``exit`` last; ``heartbeat`` once, at the first beat; ``beat`` at every beat. ``before_fork`` in a
#: process that forks workers, ``after_fork`` in each of them: see :mod:`kiq.forking`.
EVENTS = ("startup", "quiet", "shutdown", "exit", "heartbeat", "beat", "before_fork", "after_fork")

#: Events that undo what ``startup`` did run in reverse order of registration.
REVERSED = frozenset({"quiet", "shutdown", "exit", "before_fork"})

Handler = Callable[[], Any]


class Events:
    """Who listens to what.

    Threads: registered at boot, and only read afterwards. A worker calls the handlers of ``startup`` on
    its main thread, all others on a thread that nothing else depends on.
    """

    def __init__(self, seal: Seal | None = None) -> None:
        self._seal = seal or Seal()
        self._handlers: dict[str, list[Handler]] = {event: [] for event in EVENTS}

    def on(self, event: str, handler: Handler) -> Handler:
        """Call *handler* without arguments at each *event*. Raises ConfigError for an unknown one."""
        if event not in self._handlers:
            near = difflib.get_close_matches(event, EVENTS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"unknown event {event!r}{hint} (there are: {', '.join(EVENTS)})")
        self._seal.check(handler)
        refuse_undone(f"a handler of {event}", handler)
        self._handlers[event].append(handler)
        return handler

    def emit(self, event: str, report: Callable[[BaseException, dict[str, Any]], None]) -> None:
        """Call every handler of *event* here; what one raises goes to *report*, and the next still runs.

        For tests of plugins: a worker does not wait for its handlers.
        """
        for handler in self.handlers(event):
            try:
                check_done(handler(), f"a handler of {event}")
            except BaseException as error:  # noqa: BLE001 (a listener can't stop what it listens to)
                report(error, {"event": event})

    def emit_strictly(self, event: str) -> None:
        """Call every handler of *event*; the first error is raised (used for ``startup``)."""
        for handler in self.handlers(event):
            check_done(handler(), f"a handler of {event}")

    def handlers(self, event: str) -> list[Handler]:
        """Return the handlers of *event*, in the order in which they are to be called."""
        handlers = self._handlers[event]
        return handlers[::-1] if event in REVERSED else handlers[:]
