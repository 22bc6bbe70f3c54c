"""What Django keeps between requests, between jobs: database connections, caches, the script's prefix."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakSet

from django.conf import settings
from django.db import connections
from django.urls import set_script_prefix

from ...middleware import Next, ServerContext
from ...plugin import Host
from ..threads import has_its_thread
from .caching import close_caches, keep_caches
from .executors import SharedThread, lend_threads, share_thread
from .freshening import close_all, freshen
from .runs import Run, here


class Connections:
    """The plugin ``django``: does around a job what Django does around a request.

    Database connections that are old or broken are closed before and after each job; ``CONN_MAX_AGE``
    says what is old. One that is kept is tried before its first query in a job, as with
    ``CONN_HEALTH_CHECKS``: the database may have closed it meanwhile. The threads that async jobs use
    are seen to as well. Caches are handed on from job to job.

    Jobs that run here and now (``perform_inline``) share what their caller has, and are left alone.
    """

    cleans_up = True
    name = "django"

    def __init__(self) -> None:
        self._shared: SharedThread | None = None
        self._loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()

    def install(self, host: Host) -> None:
        """Attach to *host*, outside of what other middleware does with the database."""
        self._host = host
        host.server_middleware.prepend(self)
        host.on("before_fork")(connections.close_all)  # two processes can't share one
        host.on("startup")(self._begin)

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job; an error in what is done around it is reported, and fails no job."""
        if not context.in_worker:
            return call_next(context)
        run = Run(context.jid, is_async=not has_its_thread(context.job_class))
        token = here.set(run)
        if settings.FORCE_SCRIPT_NAME is not None:
            set_script_prefix(settings.FORCE_SCRIPT_NAME)
        if run.is_async:
            self._lend_threads()
        else:
            freshen(run.jid, self._host.report)
        try:
            return call_next(context)
        finally:
            run.over = True
            here.reset(token)
            if not run.was_forked():  # else these are its parent's: a child closes none
                self._clear_up(run)

    def _begin(self) -> None:
        keep_caches()
        self._shared = share_thread(self._host.report)

    def _lend_threads(self) -> None:
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops.add(loop)
            lend_threads(loop, self._host.report)

    def _clear_up(self, run: Run) -> None:
        report = self._host.report
        if run.is_async:
            close_all(run.jid, report)  # of the loop's own thread, which only this context sees
        else:
            close_caches(run, report)
            freshen(run.jid, report)
        if self._shared is not None:
            self._shared.end(run)
