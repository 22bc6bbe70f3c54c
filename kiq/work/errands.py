"""Errands: users' handlers that kiq calls, on threads that nothing else depends on."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import children
from ..clock import steady
from ..kept import Kept, stack_of
from ..undone import check_done

logger = logging.getLogger("kiq.handlers")

_LONG = 10.0  # seconds after which a call is named in the log, and the others go on without it
_MOST = 1_000  # calls that may wait: what comes beyond is dropped, and the log says so
_THREADS = 2  # while one is stuck in a handler, the other goes on
_MOST_THREADS = 10

Failed = Callable[[BaseException], object]


@dataclass(eq=False, slots=True)
class Errand:
    """One call of *handler*, for the sake of *what*; *failed* gets what it raises."""

    what: str
    handler: Callable[..., Any]
    arguments: tuple[Any, ...]
    failed: Failed
    began: float = 0.0  # steady clock
    ident: int | None = None  # of its thread
    named: bool = False  # in the log: it takes long
    over: threading.Event = field(default_factory=threading.Event)

    def __str__(self) -> str:
        name = getattr(self.handler, "__qualname__", type(self.handler).__qualname__)
        return f"{self.what} {getattr(self.handler, '__module__', '?')}.{name}"


class Errands:
    """Calls handlers one after the other, in order. One that takes long is named, and left behind.

    Threads: any may :meth:`call`, and waits for nothing; the launcher does the rest.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Errand] = deque()
        self._current: Errand | None = None
        self._behind: set[Errand] = set()  # what did not return, and others go on without
        self._threads = 0
        self._dropped = 0
        self._closed = False

    def start(self) -> None:
        """Begin. Raises RuntimeError when no thread can be had."""
        for _ in range(_THREADS):
            self._hire()

    def call(
        self, what: str, handler: Callable[..., Any], *arguments: Any, failed: Failed
    ) -> Errand | None:
        """Call *handler* soon. None: it is dropped, as too many wait or its last call hangs."""
        errand = Errand(what, handler, arguments, failed)
        with self._changed:
            hangs = self._hangs(handler)
            if hangs or self._closed or len(self._waiting) >= _MOST:
                self._dropped += not hangs  # that one has been named
                return None
            self._waiting.append(errand)
            self._changed.notify_all()
        return errand

    def _hangs(self, handler: Callable[..., Any]) -> bool:
        return any(one.handler is handler for one in self._behind)

    def waits_for(self, handler: Callable[..., Any]) -> bool:
        """Tell whether a call of *handler* waits, or is under way."""
        with self._changed:
            return any(one.handler is handler for one in (*self._waiting, self._current) if one)

    def look(self, patience: float | None = None) -> None:
        """Name a call that takes longer than *patience* seconds, and let others go on without it."""
        patience = _LONG if patience is None else patience
        with self._changed:
            dropped, self._dropped = self._dropped, 0
            late = self._current
            if late is None or steady() - late.began <= patience:
                late = None
            elif self._threads > len(self._behind) + 1:
                self._behind.add(late)
                self._current = None
                self._waiting = deque(one for one in self._waiting if not self._hangs(one.handler))
                self._changed.notify_all()
        if dropped:
            logger.error("%d calls of handlers were dropped: the handlers don't keep up", dropped)
        if late is not None and not late.named:
            late.named = True
            seconds = steady() - late.began
            logger.error(
                "%s has not returned for %.1f s; it is here:\n%s",
                late,
                seconds,
                stack_of(late.ident),
            )
            try:
                self._hire()
            except RuntimeError as error:
                logger.error("no thread can be had for other handlers: %s", error)

    def idle(self, seconds: float) -> bool:
        """Wait until no call waits or runs, so many seconds at most; tell whether that is so."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._current is None and not self._waiting, max(0.0, seconds)
            )

    def close(self) -> None:
        """Make no more calls."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _hire(self) -> None:
        if self._threads < _MOST_THREADS:
            Kept(self._run, f"kiq-handlers-{self._threads + 1}").start()
            self._threads += 1

    def _run(self) -> None:
        while (errand := self._next()) is not None:
            try:
                result = errand.handler(*errand.arguments)
                children.end_here()
                check_done(result, f"a handler of {errand.what}")
            except BaseException as error:  # noqa: BLE001 (sys.exit in a handler, too)
                children.end_here(error)
                errand.failed(error)
            finally:
                self._end(errand)

    def _next(self) -> Errand | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or (self._waiting and self._current is None)
            )
            if self._closed:
                return None
            errand = self._current = self._waiting.popleft()
            errand.began, errand.ident = steady(), threading.get_ident()
            return errand

    def _end(self, errand: Errand) -> None:
        errand.over.set()
        with self._changed:
            self._behind.discard(errand)
            if self._current is errand:
                self._current = None
            self._changed.notify_all()
        if errand.named:
            logger.warning("%s has returned after %.1f s", errand, steady() - errand.began)
