"""The hub: one connection and one thread by which all of a program wait for results.

What is stored is the truth. A notice says only that it is time to look, and each awaited jid is looked
at when it comes to the hub, after each reconnection, and now and then in case a notice was lost.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from ...api.home import Connection
from ...clock import steady
from ...errors import StoreError
from ...store.connection import Connector, Link
from . import keys
from .reader import Seen, seen

logger = logging.getLogger("kiq.results")

_IDLE = 5.0  # seconds that it stays when nobody waits
_SOON, _LATE = 0.1, 2.0  # seconds until it tries again when Redis is away
_LOOKS_A_SECOND = 200  # jids that are looked at in case a notice was lost
_LEFT = 1_000  # channels of jobs that nobody waits for any more, until it subscribes anew
_TOGETHER = 500


class Waiter:
    """One who waits for *jid*: *tell* is called once, on the hub's thread, with what is seen of its end.

    *but* was seen before, of an end that does not count: the job runs again.
    """

    __slots__ = ("but", "jid", "last", "tell")

    def __init__(self, jid: str, tell: Callable[[Seen], object], but: Seen | None = None) -> None:
        self.jid = jid
        self.tell = tell
        self.but = but
        self.last: Seen | None = None  # the last that was seen of it, for whoever gives up

    def takes(self, what: Seen) -> bool:
        """Note *what* is seen; tell whether that is an end."""
        self.last = what
        if self.but is None:
            return what.record is not None or bool(what.gone)
        return what.record is not None and what.record != self.but.record


class Hub:
    """Tells waiters of one Redis. Threads: any adds and removes waiters; its own does the rest."""

    def __init__(self, home: Connection) -> None:
        self._home = home
        self._connector = home.connector
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Waiter]] = {}
        self._fresh: list[str] = []
        self._thread: threading.Thread | None = None
        self._link: Link | None = None
        self._listening: set[str] = set()
        self._alarm = -1
        self._pause = _SOON
        #: Why Redis did not answer the last time; None where it did.
        self.away: StoreError | None = None

    def add(self, waiters: Iterable[Waiter]) -> None:
        """Tell *waiters* when their jobs have ended; at once of those that have."""
        with self._lock:
            for waiter in waiters:
                self._waiting.setdefault(waiter.jid, []).append(waiter)
                self._fresh.append(waiter.jid)
            if self._thread is None:
                # Not earlier: a process that only pushes has neither thread nor connection for it.
                end, self._alarm = os.pipe()
                os.set_blocking(end, False)
                os.set_blocking(self._alarm, False)
                self._thread = threading.Thread(
                    target=self._run, args=(end,), name="kiq-results", daemon=True
                )
                self._thread.start()
            else:
                self._wake()

    def remove(self, waiters: Iterable[Waiter]) -> None:
        """Forget *waiters*; harmless where they were told."""
        with self._lock:
            for waiter in waiters:
                others = self._waiting.get(waiter.jid)
                if others is not None and waiter in others:
                    others.remove(waiter)
                    if not others:
                        del self._waiting[waiter.jid]
            if not self._waiting and self._thread is not None:
                self._wake()  # it ends soon when nobody comes

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._alarm, b"!")

    def _run(self, end: int) -> None:
        alone_since = None
        next_look = 0.0
        while True:
            with self._lock:
                count = len(self._waiting)
                alone_since = None if count else (alone_since or steady())
                if alone_since is not None and steady() - alone_since > _IDLE:
                    self._thread = None
                    self._close()
                    os.close(self._alarm)
                    os.close(end)
                    if _hubs.get(self._connector) is self:
                        del _hubs[self._connector]
                    return
            pause = max(1.0, count / _LOOKS_A_SECOND) if count else min(1.0, _IDLE)
            try:
                everything = steady() >= next_look
                self._look(everything)
                if everything:
                    next_look = steady() + pause
                self._sleep(end, max(0.0, min(next_look - steady(), pause)))
            except StoreError as error:
                self._lost(error)
                self._sleep(end, self._pause)
                next_look = 0.0
            except Exception as error:  # it must outlive whatever happens: others wait
                logger.exception("looking for results failed")
                self._lost(StoreError(str(error)))
                self._sleep(end, _LATE)
                next_look = 0.0

    def _look(self, everything: bool) -> None:
        """Subscribe to what is new, then read it, or everything; tell of what has ended."""
        with self._lock:
            fresh, self._fresh = self._fresh, []
            awaited = list(self._waiting)
        if len(self._listening) - len(awaited) > _LEFT:
            self._close()
        anew = everything or self._link is None
        self._read(awaited if anew else fresh)
        with self._lock:
            left = [jid for jid in self._waiting if jid not in self._listening]
        self._subscribe(left)
        self._read([*left, *self._heard()])  # what ended meanwhile rang for nobody
        self.away, self._pause = None, _SOON

    def _read(self, jids: Iterable[str]) -> None:
        due = list(dict.fromkeys(jids))
        for first in range(0, len(due), _TOGETHER):
            self._tell(seen(self._home, due[first : first + _TOGETHER]))

    def _subscribe(self, new: list[str]) -> None:
        if not new:
            return
        link = self._link = self._link or self._connector.open()
        for first in range(0, len(new), _TOGETHER):
            page = new[first : first + _TOGETHER]
            link.listen(*map(keys.channel, page))
            self._listening.update(page)

    def _heard(self) -> list[str]:
        link = self._link
        if link is None or not link.connected:
            return []
        return [raw.decode(errors="replace") for raw in link.messages()]

    def _tell(self, found: Iterable[Seen]) -> None:
        for what in found:
            with self._lock:
                waiting = self._waiting.get(what.jid, [])
                told = [waiter for waiter in waiting if waiter.takes(what)]
                left = [waiter for waiter in waiting if waiter not in told]
                if left:
                    self._waiting[what.jid] = left
                else:
                    self._waiting.pop(what.jid, None)
            for waiter in told:
                waiter.tell(what)

    def _sleep(self, end: int, seconds: float) -> None:
        poll = select.poll()
        poll.register(end, select.POLLIN)
        if self._link is not None and self._link.connected:
            poll.register(self._link.fileno(), select.POLLIN)
        if any(ready == end for ready, _ in poll.poll(seconds * 1000)):
            with suppress(BlockingIOError):
                os.read(end, 65536)

    def _lost(self, error: StoreError) -> None:
        self.away = error
        self._pause = min(_LATE, self._pause * 2)
        self._close()

    def _close(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None
        self._listening.clear()


_hubs: dict[Connector, Hub] = {}  # those that are at work
_making = threading.Lock()


def wait_by(home: Connection, waiters: Iterable[Waiter]) -> Hub:
    """Let *waiters* be told of what is at *home*; return the hub that does."""
    with _making:
        hub = _hubs.get(home.connector)
        if hub is None:
            hub = _hubs[home.connector] = Hub(home)
        hub.add(waiters)
        return hub


def _forked() -> None:
    global _hubs, _making
    _hubs, _making = {}, threading.Lock()


# A forked child has neither the thread nor a right to the connection.
os.register_at_fork(after_in_child=_forked)
