"""Passages: threads on which due jobs pass client middleware, so that none of it holds up the poller."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from ..clock import steady
from ..kept import Kept
from ..verdict import Taken
from .due import Fate, hung

logger = logging.getLogger("kiq.poller")

Decided = tuple[Taken, Fate]
Decide = Callable[[Taken, Callable[[dict[str, Any]], bool]], Fate]

_PATIENCE = 1.0  # seconds that a job may take before the others go on by another thread
_HANGS_AFTER = 5.0  # seconds after which it is given up
_LOOK = 0.1
_MOST_LATE = 2  # jobs of one class that may be late at a time; its other jobs wait then
_MOST_HANGING = 4  # threads that may be left behind with jobs of one class


class _Passage:
    """One thread, which decides about jobs until it is left behind with one that takes long.

    Threads: its own calls :meth:`jobs`, the poller's the rest. The lock joins them.
    """

    def __init__(self, run: Callable[[_Passage], None]) -> None:
        self.since = 0.0  # when the job in hand was begun
        self.payload: dict[str, Any] = {}  # its payload, where it could be decoded
        self.kept: Taken | None = None  # the job that it was left behind with
        self.given_up = False
        self._job: Taken | None = None
        self._todo: deque[Taken] = deque()
        self._ends = False
        self._lock = threading.Lock()
        self._work = threading.Semaphore(0)
        Kept(partial(run, self), "kiq-promotions").start()

    @property
    def is_late(self) -> bool:
        """Whether the job in hand takes long."""
        return self._job is not None and steady() - self.since > _PATIENCE

    def give(self, jobs: Iterable[Taken]) -> None:
        """Let it decide about *jobs*."""
        with self._lock:
            self._todo.extend(jobs)
        self._work.release()

    def leave(self) -> list[Taken]:
        """Let the thread end with the job in hand; return those that have not begun."""
        with self._lock:
            rest, self.kept, self._ends = list(self._todo), self._job, True
            self._todo.clear()
        self._work.release()
        return rest

    def jobs(self) -> Iterator[Taken]:
        """Yield what there is to decide about, as it comes."""
        while not self._ends:
            self._work.acquire()
            while (job := self._next()) is not None:
                yield job

    def _next(self) -> Taken | None:
        with self._lock:
            self.since, self.payload = steady(), {}
            self._job = self._todo.popleft() if self._todo else None
            return self._job


class Passages:
    """Has it decided what becomes of due jobs, in order, but for those that take long.

    Threads: the poller's; *decide* is called on others.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._answers: SimpleQueue[Decided] = SimpleQueue()
        self._open: set[Taken] = set()  # jobs whose answers are waited for
        self._late: tuple[_Passage, ...] = ()  # left behind; not changed, as others read it
        self._current = _Passage(self._run)

    @property
    def holding(self) -> bool:
        """Whether something that was given is not decided, be it left behind."""
        return bool(self._open)

    @property
    def idle(self) -> bool:
        """Whether all that was given is decided, or left behind."""
        return len(self._open) == sum(passage.kept in self._open for passage in self._late)

    def give(self, jobs: Iterable[Taken]) -> None:
        """Have it decided what becomes of *jobs*."""
        jobs = list(jobs)
        self._open.update(jobs)
        self._current.give(jobs)

    def collect(self, seconds: float) -> list[Decided]:
        """Return what is decided by now; wait up to *seconds* until it is all that was given."""
        until = steady() + seconds
        decided: list[Decided] = []
        while not self.idle and (left := until - steady()) > 0:
            try:
                decided += self._accepted(*self._answers.get(timeout=min(left, _LOOK)))
            except Empty:
                self._pass_by()
        while not self._answers.empty():
            decided += self._accepted(*self._answers.get())
        return decided + self._given_up()

    def forget(self) -> None:
        """Drop what was given: it is not ours any more."""
        self._leave()
        self._open.clear()

    def close(self) -> None:
        """Let the threads end."""
        self._current.leave()

    def _run(self, passage: _Passage) -> None:
        def may_go_on(payload: dict[str, Any]) -> bool:
            passage.payload = payload
            same = [one for one in self._late if one.payload.get("class") == payload["class"]]
            late = sum(not one.given_up for one in same)
            return late < _MOST_LATE and len(same) < _MOST_HANGING

        for job in passage.jobs():
            try:
                fate = self._decide(job, may_go_on)
            except BaseException:  # an ended thread would look like one that hangs
                logger.exception("what becomes of a due job could not be decided")
                fate = hung(job)
            self._answers.put((job, fate))

    def _accepted(self, job: Taken, fate: Fate) -> list[Decided]:
        if self._late:
            self._late = tuple(passage for passage in self._late if passage.kept is not job)
        if job not in self._open:
            return []  # given up, or forgotten
        self._open.discard(job)
        return [(job, fate)]

    def _pass_by(self) -> None:
        """Let the other jobs go on by another thread, if the one in hand takes long."""
        if self._current.is_late:
            rest = self._leave()
            self._current.give(rest)

    def _leave(self) -> list[Taken]:
        left, self._current = self._current, _Passage(self._run)
        rest = left.leave()
        if left.kept is not None:
            self._late = (*self._late, left)
        return rest

    def _given_up(self) -> list[Decided]:
        """Return what becomes of jobs that hang; whatever is decided about them later comes too late."""
        found: list[Decided] = []
        for passage in self._late:
            job = passage.kept
            if job is None or passage.given_up or steady() - passage.since < _HANGS_AFTER:
                continue
            passage.given_up = True
            logger.error(
                "client middleware has not returned for %.0f s: its due job is put off "
                "[jid=%s class=%s]; %d threads hang so",
                _HANGS_AFTER,
                passage.payload.get("jid"),
                passage.payload.get("class"),
                sum(one.given_up for one in self._late),
            )
            if job in self._open:
                self._open.discard(job)
                found.append((job, hung(job)))
        return found
