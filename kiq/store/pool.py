"""Links for those who push: on any thread, and in forked children."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .connection import Connector, Link


class LinkPool:
    """Links for callers on any thread, and in any forked child.

    Threads: any. A link is lent to one caller at a time; idle ones are kept.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._lock = threading.Lock()
        self._idle: list[Link] = []
        self._pid = os.getpid()

    @contextmanager
    def link(self) -> Iterator[Link]:
        """Lend a link."""
        link = self._borrow()
        try:
            yield link
        finally:
            with self._lock:
                if self._pid == os.getpid() and len(self._idle) < 64:
                    self._idle.append(link)

    def _borrow(self) -> Link:
        if self._pid != os.getpid():
            # A forked child: the parent's sockets are neither used nor closed here.
            self._lock, self._idle, self._pid = threading.Lock(), [], os.getpid()
        with self._lock:
            link = self._idle.pop() if self._idle else None
        if link is None:
            return self._connector.open()
        if time.monotonic() - link.used_at > 1 and link.is_stale():
            link.close()
        return link
