"""Connections that many threads share, and forked children don't."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import StoreError
from .connection import Connector
from .direct import DirectLink
from .scripts import Command, Packed

C = TypeVar("C", bound=Sequence[Command] | Sequence[Packed])
R = TypeVar("R")

_MOST_IDLE = 64


class LinkPool:
    """Links for callers on any thread, and in any forked child.

    Threads: any. A link is lent to one caller at a time; idle ones are kept, the last used on top.
    No lock: pop and append of a list are whole, also for a signal handler that pushes in between.
    """

    def __init__(self, connector: Connector) -> None:
        #: Opens connections with its settings, for what needs one of its own.
        self.connector = connector
        #: The Redis, as it may be shown.
        self.where = connector.where
        #: How keys and channels are called there.
        self.keyspace = connector.keyspace
        self._home: tuple[int, list[DirectLink]] = (os.getpid(), [])

    def lend(self, use: Callable[[DirectLink, C], R], commands: C) -> R:
        """Lend a link for *use*, a method such as :meth:`DirectLink.tell`; raise what that does."""
        pid = os.getpid()
        if self._home[0] != pid:
            # A forked child: the parent's sockets are neither used nor closed here.
            self._home = (pid, [])
        idle = self._home[1]
        try:
            link = idle.pop()
        except IndexError:
            link = DirectLink(self.connector)
        if time.monotonic() - link.used_at > 1 and link.is_stale():
            link.close()
        try:
            return use(link, commands)
        except StoreError:
            raise
        except BaseException:
            link.close()  # interrupted: a reply may be on its way, and nobody will read it
            raise
        finally:
            # Where it came from: not into the list of a child that was forked meanwhile.
            if len(idle) < _MOST_IDLE:
                idle.append(link)
