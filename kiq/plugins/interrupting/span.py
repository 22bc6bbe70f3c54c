"""A span: a stretch of one thread's code that others may interrupt, and that ends for certain."""

from __future__ import annotations

import os
import threading

from ... import raising


class Span(raising.Interruptible):
    """From its making to :meth:`close`, others may raise one exception in this thread.

    The thread sets :attr:`open` to False, and then calls :meth:`close`::

        span = Span()
        try:
            ...
        finally:
            span.open = False  # a plain assignment: see Interruptible
            try:
                span.close()
            except kind:  # it arrived here, so no other is under way
                span.close()
    """

    __slots__ = ("_interrupted", "_pid", "ident", "open")

    def __init__(self) -> None:
        super().__init__()
        self.ident = threading.get_ident()
        self._pid = os.getpid()
        self.open = True
        self._interrupted = False

    def interrupt(self, kind: type[BaseException]) -> bool:
        """Raise *kind* in the span's thread, unless that was done before; False if it can't be.

        Called by another thread.
        """

        def send() -> bool:
            self._interrupted = True  # before it is sent: it may arrive at once
            return raising.send(self.ident, kind)

        return self._interrupt(lambda: self.open and not self._interrupted, send)

    def close(self) -> None:
        """Return when nothing can arrive any more that was raised for this span."""
        if self._hailed:
            self._calm(lambda: os.getpid() != self._pid)
