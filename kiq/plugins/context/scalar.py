"""One string that travels in a field of its own: the locale, the trace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

from ...middleware import Next, Payload, ServerContext
from .warned import warn_once

Get = Callable[[], str | None]
Use = Callable[[str], AbstractContextManager[Any]]

_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Scalar:
    """Server middleware that runs a job inside ``use(value)``, with what ``get()`` gave at the push.

    What does not look like *pattern* is neither pushed nor used: it may come from anybody.

    Threads: any.
    """

    def __init__(self, field: str, pattern: str, get: Get, use: Use | None) -> None:
        self.payload_field = field
        self._pattern = re.compile(pattern)
        self._get = get
        self._use = use or _nothing
        #: What the running job carries: its own pushes carry on, where ``get`` knows nothing.
        self._running: ContextVar[str | None] = ContextVar(f"kiq_{field}", default=None)

    def stamp(self, payload: Payload) -> None:
        """Write the value that is current here into *payload*, unless it has one already."""
        if self.payload_field in payload:
            return
        value = self._current() or self._running.get()
        if value is not None:
            payload[self.payload_field] = value

    def _current(self) -> str | None:
        try:
            value = self._get()
        except Exception as error:  # noqa: BLE001 (a push must not fail for the sake of its trace)
            warn_once(f"what gives the {self.payload_field} of jobs failed: {error!r}", error)
            return None
        return self._checked(value) if value else None

    def _checked(self, value: object) -> str | None:
        if isinstance(value, str) and len(value) <= 128 and self._pattern.fullmatch(value):
            return value
        warn_once(f"{repr(value)[:128]} can't be the {self.payload_field} of a job: it is ignored")
        return None

    def logged(self, payload: Payload) -> Iterator[tuple[str, object]]:
        """Yield what the log lines of the job show of this field: the id of its trace."""
        value = payload.get(self.payload_field)
        found = _TRACE.fullmatch(value) if isinstance(value, str) else None
        if found is not None and self.payload_field == "traceparent":
            yield "trace_id", found[1]

    def __call__(self, run: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job inside the context manager that ``use`` makes of its value."""
        value = self._checked(run.payload.get(self.payload_field))
        if value is None:
            return call_next(run)
        token = self._running.set(value)
        try:
            with self._use(value):
                return call_next(run)
        finally:
            self._running.reset(token)


def _nothing(_value: str) -> AbstractContextManager[None]:
    return nullcontext()
