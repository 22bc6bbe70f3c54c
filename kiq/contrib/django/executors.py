"""The threads on which async jobs call plain code: the database connections that these keep.

No such thread belongs to a job, so a layer around the job can't see them. The executors can: they run
in the context of the job that calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from asgiref.sync import SyncToAsync

from .caching import close_caches
from .freshening import Report, freshen, look_again
from .runs import Run, here


class SharedThread(ThreadPoolExecutor):
    """The one thread of ``sync_to_async``, for all async jobs of the process.

    At the first call of a job its connections are marked, to be tried before they are used. They are
    closed by age only when no job is left that has used them: it may be in the midst of rows.

    Threads: any submit.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(1, "kiq-django")
        self._report = report
        self._users: set[Run] = set()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call it on the thread."""
        run = here.get()
        if run is None or run.over or self in run.seen_by:
            return super().submit(call, *args, **kwargs)
        run.seen_by.add(self)
        self._users.add(run)
        return super().submit(_after, look_again, call, args, kwargs)

    def end(self, run: Run) -> None:
        """See to what *run* has left, soon; it is over."""
        self._users.discard(run)
        if run.lent or self in run.seen_by:
            super().submit(self._clear_up, run)

    def _clear_up(self, run: Run) -> None:
        close_caches(run, self._report)
        freshen(run.jid, self._report, by_age=not self._users)


class Threads(ThreadPoolExecutor):
    """Threads that take one call after the other, of any job: ``asyncio.to_thread`` and the like.

    Nothing of a call is there for the next one, so each is treated as a request.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(thread_name_prefix="kiq-django")
        self._report = report

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call it on a thread."""
        run = here.get()
        if run is None:
            return super().submit(call, *args, **kwargs)
        return super().submit(self._between, run.jid, call, args, kwargs)

    def _between(self, jid: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        freshen(jid, self._report)
        try:
            return call(*args, **kwargs)
        finally:
            freshen(jid, self._report)


def _after(first: Callable[[], None], call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    first()
    return call(*args, **kwargs)


def share_thread(report: Report) -> SharedThread:
    """Take the place of asgiref's own thread; for code outside of jobs it is the same."""
    known = SyncToAsync.single_thread_executor
    if isinstance(known, SharedThread):
        return known
    made = SyncToAsync.single_thread_executor = SharedThread(report)
    return made


def lend_threads(loop: asyncio.AbstractEventLoop, report: Report) -> None:
    """Be where *loop* runs what blocks, unless the application has said where that is."""
    if getattr(loop, "_default_executor", None) is None:
        loop.set_default_executor(Threads(report))
