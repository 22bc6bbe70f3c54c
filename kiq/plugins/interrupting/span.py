"""A span: a stretch of one thread's code that others may interrupt, and that ends for certain."""

from __future__ import annotations

import os
import threading
import time

from ... import raising

#: Held by whoever raises; never by a thread that is raised in, as it could be left locked.
_raising = threading.Lock()


class Span:
    """From its making to :meth:`close`, others may raise one exception in this thread.

    The thread sets :attr:`open` to False, and then calls :meth:`close`::

        span = Span()
        try:
            ...
        finally:
            span.open = False  # a plain assignment: an exception can't arrive in the middle of it
            try:
                span.close()
            except kind:  # it arrived here, so no other is under way
                span.close()
    """

    __slots__ = ("_deciding", "_pid", "_struck", "ident", "open")

    def __init__(self) -> None:
        self.ident = threading.get_ident()
        self._pid = os.getpid()
        self.open = True
        self._deciding = False
        self._struck = False

    def strike(self, kind: type[BaseException]) -> bool:
        """Raise *kind* in the span's thread, unless that was done before; False if it can't be.

        Called by another thread.
        """
        with _raising:
            # In this order: the thread sees that we decide, or we see that the span has ended.
            self._deciding = True
            try:
                if not self.open or self._struck:
                    return False
                self._struck = True  # before it is sent: it may arrive at once
                return raising.send(self.ident, kind)
            finally:
                self._deciding = False

    def close(self) -> None:
        """Return when nothing can arrive any more that was raised for this span."""
        while self._deciding and os.getpid() == self._pid:  # a forked child has none who decides
            time.sleep(0.0001)
        if self._struck:
            raising.absorb()
