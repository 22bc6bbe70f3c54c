"""The run of a job, as what stands between it and Django finds it in its context."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import Any


class Run:
    """One run: where it is, and what it was lent.

    Threads: made and ended on the job's own; *lent* and *seen_by* grow on any.
    """

    __slots__ = ("is_async", "jid", "lent", "over", "own", "pid", "seen_by", "thread")

    def __init__(self, jid: str, *, is_async: bool) -> None:
        self.jid = jid
        self.is_async = is_async
        self.thread = threading.get_ident()
        self.pid = os.getpid()
        self.over = False
        self.seen_by: set[object] = set()  # executors that have worked for it
        self.own: dict[str, Any] = {}  # caches of this run alone, by their alias
        self.lent: list[Any] = []  # caches to be closed when it ends

    def has_this_thread(self) -> bool:
        """Tell whether this thread runs this job, and no other one meanwhile."""
        return not self.is_async and threading.get_ident() == self.thread

    def was_forked(self) -> bool:
        """Tell whether this is a child that the job forked: what it sees is its parent's."""
        return os.getpid() != self.pid


#: The run of this context; None outside of a worker's jobs.
here: ContextVar[Run | None] = ContextVar("kiq_django_run", default=None)
