"""How long to wait for a good moment to interrupt a thread, and what happens at it."""

from __future__ import annotations

from collections.abc import Callable

from ... import interruption
from ...clock import steady
from ...good_moment import on_its_way, patience_with

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05


class Moment:
    """Waits for a good moment to raise something in the thread *ident*.

    The thread may come by such a moment itself: then it calls *interrupt*, which raises there. So there
    are two ways, and one of them is taken. Threads: the watchdog's; *interrupt* is called in the other.
    """

    def __init__(self, ident: int, interrupt: Callable[[], object]) -> None:
        self._ident = ident
        self._interrupt = interrupt
        self._pause = _FIRST_PAUSE
        self._began: float | None = None

    def wait(self) -> float | None:
        """Return when to ask again (steady clock), or None: now, or it can't be waited for any more.

        At None, :meth:`take` says whether the thread was faster.
        """
        now = steady()
        if self._began is None:
            self._began = now
            # Before we look: it may be through with its push when we have looked.
            on_its_way(self, self._ident, self._interrupt)
        elif self not in interruption.due:
            return None
        if now - self._began >= patience_with(self._ident):
            return None
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return now + pause

    def take(self) -> bool:
        """Take it upon the caller to raise; False when the thread has done so itself. Repeatable."""
        return interruption.due.pop(self, None) is not None
