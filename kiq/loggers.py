"""kiq's own loggers in a worker: they never raise, are never switched off, and never hold up control.

Lines of kiq's own threads go to the handlers on a thread made for that: a reader that has stopped, or
a handler that hangs, stops nobody else. Lines of jobs are written where they are said, as the
application's own are: so their order, and what handlers know of the job, stay right.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from operator import attrgetter
from queue import SimpleQueue
from typing import Any

from . import log
from .clock import steady
from .errors import ON_PURPOSE
from .kept import Kept, is_own
from .raised import message_of, name_of

#: Loggers of what happens to a job, and of what it says itself: on its thread they write at once.
_OF_JOBS = ("kiq.job.", "kiq.errors.")
_MOST = 10_000  # lines that may wait; what comes beyond is dropped, and counted
_SILENCE = 10.0  # seconds between two complaints about a handler


class Own(logging.Logger):
    """A logger of kiq's.

    Threads: any. ``logging`` makes the loggers; :func:`adopt` gives them this class.
    """

    #: ``logging.config`` switches off the loggers that its configuration does not name. Who wants
    #: less of kiq's sets a level.
    disabled = property(attrgetter("_off"), lambda _self, _value: None)
    _off = False

    def handle(self, record: logging.LogRecord) -> None:
        """Hand *record* to the handlers, here or on the thread that is there for it."""
        if lines.open and (is_own() or not f"{self.name}.".startswith(_OF_JOBS)):
            lines.put(record)
            return
        super().handle(record)

    def _log(self, level: int, msg: object, args: Any, *, stacklevel: int = 1, **more: Any) -> None:  # type: ignore[override]
        try:
            # One level more: the caller is behind this frame.
            super()._log(level, msg, args, stacklevel=stacklevel + 1, **more)
        except ON_PURPOSE:
            raise
        except BaseException as error:  # noqa: BLE001 (a line must not change what becomes of a job)
            if is_own():
                lines.put(error)
            else:
                lines.complain(error)


#: A line, why there is none, or who waits until all before it is written.
_Waiting = logging.LogRecord | BaseException | threading.Event


class Lines:
    """The lines of kiq's own threads on their way to the handlers.

    Threads: any may :meth:`put`; its own hands on. A forked child has no such thread: it writes at once,
    unless it starts one.
    """

    def __init__(self) -> None:
        self._hooked = False
        self._complained_at = float("-inf")
        self._begin()

    def _begin(self) -> None:
        self.open = False  # there is a thread that takes them
        self._waiting: SimpleQueue[_Waiting] = SimpleQueue()
        self._dropped = 0
        self._thread = Kept(self._run, "kiq-log")

    def start(self) -> None:
        """Begin to take lines. Raises RuntimeError when no thread can be had."""
        self._thread.start()
        self.open = True
        if not self._hooked:
            self._hooked = True
            os.register_at_fork(after_in_child=self._begin)

    def put(self, one: logging.LogRecord | BaseException) -> None:
        """Take a line, or why there is none; drop it when too many wait. Never waits itself."""
        if self._waiting.qsize() >= _MOST:
            self._dropped += 1
        elif isinstance(one, BaseException) or log.stamp(one):
            self._waiting.put(one)

    def drain(self, seconds: float) -> bool:
        """Wait until what was put so far is written; False when that takes longer than *seconds*."""
        if not self.open:
            return True
        written = threading.Event()
        self._waiting.put(written)
        return written.wait(max(0.0, seconds))

    def complain(self, error: BaseException) -> None:
        """Say on standard error, now and then, that the log itself is broken."""
        if steady() - self._complained_at < _SILENCE:
            return
        self._complained_at = steady()
        try:
            sys.stderr.write(
                f"kiq: a line of the log could not be written: {name_of(error)}: {message_of(error)}\n"
            )
        except Exception:  # noqa: BLE001 (nowhere is left to say it)
            log.DroppingHandler.dropped += 1

    def _run(self) -> None:
        while True:
            self._take(self._waiting.get())
            if self._dropped:
                self._tell_of_dropped()

    def _take(self, one: _Waiting) -> None:
        if isinstance(one, threading.Event):
            _flush_streams()
            one.set()
        elif isinstance(one, BaseException):
            self.complain(one)
        else:
            self._write(one)

    def _write(self, record: logging.LogRecord) -> None:
        try:
            logging.Logger.handle(logging.getLogger(record.name), record)
        except BaseException as error:  # noqa: BLE001 (whatever the application's handlers raise)
            self.complain(error)

    def _tell_of_dropped(self) -> None:
        count, self._dropped = self._dropped, 0
        text = f"{count} lines of kiq's log were dropped: nobody took them in time"
        self._write(logging.LogRecord("kiq", logging.ERROR, __file__, 0, text, None, None))


#: Of this process.
lines = Lines()


def adopt() -> None:
    """Make the loggers of kiq that there are by now such ones."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if f"{name}.".startswith("kiq.") and type(logger) is logging.Logger:
            logger.__class__ = Own


def _flush_streams() -> None:
    log.flush()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more
