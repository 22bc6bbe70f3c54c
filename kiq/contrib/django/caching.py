"""Caches between jobs: the next job gets them again, and they are closed as at the end of a request.

Django keeps a cache by context, and each job has a context of its own: without this each job would make
caches anew, and with them connections, which nobody closes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from .runs import Run, here


class Caches:
    """Makes the caches of jobs. One job after the other on a thread gets the same.

    Of async jobs, which run beside one another, all get the same one, if it has nothing to close: its
    client is made for several threads. Others (memcached) are the job's own.

    Threads: any.
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        """*make* makes a cache, given its alias."""
        self._make = make
        self._of_threads = threading.local()
        self._shared: dict[str, Any] = {}

    def __call__(self, alias: str) -> Any:
        """Return the cache *alias* for this context, which has none. Raises what Django raises."""
        run = here.get()
        if run is None or run.over:
            return self._make(alias)
        cache = self._of_thread(alias) if run.has_this_thread() else self._beside(run, alias)
        if _has_an_end(cache) and cache not in run.lent:
            run.lent.append(cache)
        return cache

    def _of_thread(self, alias: str) -> Any:
        kept: dict[str, Any] = self._of_threads.__dict__
        if alias not in kept:
            kept[alias] = self._make(alias)
        return kept[alias]

    def _beside(self, run: Run, alias: str) -> Any:
        cache = self._shared.get(alias, run.own.get(alias))
        if cache is None:
            cache = self._make(alias)
            # Another thread may have been faster.
            cache = (run.own if _has_an_end(cache) else self._shared).setdefault(alias, cache)
        return cache


def _has_an_end(cache: Any) -> bool:
    return getattr(type(cache), "close", None) is not BaseCache.close


def keep_caches() -> None:
    """Let jobs of this process share caches, from now on; nothing changes outside of jobs."""
    if not isinstance(caches.create_connection, Caches):
        caches.create_connection = Caches(caches.create_connection)


def close_caches(run: Run, report: Callable[[BaseException, dict[str, Any]], None]) -> None:
    """Do to the caches that *run* has used what Django does at the end of a request."""
    while run.lent:
        try:
            run.lent.pop().close()
        except Exception as error:  # noqa: BLE001 (the job is done, whatever its cache does)
            report(error, {"context": "closing a cache", "jid": run.jid})
