"""Threads of kiq's own: what one of them raises is logged, and it goes on."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable

logger = logging.getLogger("kiq.threads")

_FIRST, _LONGEST = 0.1, 10.0  # seconds until a body that raised begins again

_here = threading.local()


def is_own() -> bool:
    """Tell whether this thread is one of kiq's own, which must never wait for a stream or a user."""
    return getattr(_here, "own", False)


def make_own() -> None:
    """Declare this thread, which kiq did not start, one of its own: the main thread of a worker."""
    _here.own = True


class Threads:
    """The kept threads of a worker, or of the process: those that began, and have not ended in order.

    Threads: any starts some; the one that calls :meth:`mend` looks after them.
    """

    def __init__(self) -> None:
        self.started: set[Kept] = set()

    def mend(self) -> bool:
        """Replace those that have ended unasked; False when one can't be replaced.

        Call it every second or so: it looks for those that hang, too.
        """
        for one in list(self.started):
            one.look()
        replaced = [one.replace() for one in list(self.started) if one.lost]
        return all(replaced)


#: Those that no worker has: of the log, say. A forked child has none of them.
_of_the_process = Threads()
os.register_at_fork(after_in_child=lambda: _of_the_process.started.clear())
mend = _of_the_process.mend


class Kept:
    """A daemon thread that runs *body* until it returns; after anything that it raises, it begins again.

    Threads: whoever makes it starts and joins it; *body* must bear being begun again. One that has
    ended all the same is replaced by :meth:`Threads.mend`, of those that it is *among*. One whose body
    counts its :attr:`turns`, and that has not come round at *hangs_after* of its looks, is named by it.
    """

    def __init__(
        self,
        body: Callable[[], None],
        name: str,
        hangs_after: int | None = None,
        among: Threads = _of_the_process,
    ) -> None:
        self.name = name
        self._started = among.started
        self._hangs_after = hangs_after
        self._body = body
        self._over = False  # the body has returned
        self.turns = self._seen = 0
        #: Looks since it came round. Not seconds: a process that was stopped for an hour hung for none.
        self.silence = 0
        self._new_thread()

    def _new_thread(self) -> None:
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin. Raises RuntimeError when no thread can be had."""
        self._new_thread()  # one that was made before a fork never counts as alive in the child
        self._started.add(self)  # before its end, which takes it out again
        try:
            self.thread.start()
        except RuntimeError:
            self._started.discard(self)
            raise

    def join(self, seconds: float) -> bool:
        """Wait for the end, if it has begun, so many seconds; tell whether there is nobody to wait for."""
        if self.thread.ident is not None:
            self.thread.join(max(0.0, seconds))
        return not self.thread.is_alive()

    @property
    def lost(self) -> bool:
        """Whether it has ended though its body did not return."""
        return not self._over and not self.thread.is_alive()

    def look(self) -> None:
        """Look whether it has come round since the last look."""
        self.silence = self.silence + 1 if self.turns == self._seen else 0
        self._seen = self.turns
        if self.silence == self._hangs_after:
            where = stack_of(self.thread.ident)
            logger.error(
                "thread %s has hung for %d s; it is here:\n%s", self.name, self.silence, where
            )

    def replace(self) -> bool:
        """Begin again on a new thread; False when none can be had."""
        logger.error("thread %s has ended unasked: another takes its place", self.name)
        self._new_thread()
        try:
            self.thread.start()
        except RuntimeError as error:
            logger.error("no thread takes the place of %s: %s", self.name, error)
            return False
        return True

    def _run(self) -> None:
        make_own()
        pause = _FIRST
        while not self._over:
            try:
                self._body()
                self._over = True
                self._started.discard(self)
            except BaseException as error:  # noqa: BLE001 (sys.exit in a log handler, out of memory: all)
                self._complain(error)
                threading.Event().wait(pause)
                pause = min(2 * pause, _LONGEST)

    def _complain(self, error: BaseException) -> None:
        try:
            logger.error("thread %s met %r, and begins again", self.name, error, exc_info=error)
        except BaseException:  # noqa: BLE001 (the log may be what is broken: nobody is left to be told)
            return


def stack_of(ident: int | None) -> str:
    """Return where the thread *ident* is at this moment, as lines."""
    frame = sys._current_frames().get(ident or 0)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(it has ended)"
