"""The push buffer: keeps jobs while Redis can't be reached, and pushes them when it answers."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Sequence

from .codec import decode
from .errors import StoreUnavailable
from .kept import Kept
from .store.enqueue import ByQueue, Enqueue, Parcel, Scheduled, parcels

logger = logging.getLogger("kiq.client")

_PAUSE, _LONGEST_PAUSE = 0.5, 5.0  # seconds between two attempts
_AT_EXIT, _AT_ONCE = 2.0, 100  # seconds for the last attempt; parcels at most in one write


class PushBuffer:
    """Pushes so that each push is done once, and keeps up to *limit* jobs while Redis is away.

    *open*: pushes go to Redis. *away*: they are kept, and nobody waits. *draining*: Redis answers
    again; who pushes waits until all that is older has been pushed.

    Threads: any. While anything is kept, a thread of its own tries to push it. A forked child begins
    with an empty buffer: what the parent keeps is the parent's.
    """

    def __init__(self, enqueue: Enqueue, limit: int) -> None:
        self._enqueue, self._limit = enqueue, limit
        self.begin()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self.begin)

    def begin(self) -> None:
        """Begin empty, with a new lock: a forked child has neither the thread nor who held the old."""
        self._changed = threading.Condition()
        self._state, self._why = "open", ""  # why it is away
        self._kept: list[Parcel] = []
        self._room, self._total = self._limit, 0  # jobs: still to come, kept since it was away
        self._trying = self._closing = False

    def push(self, queue: str, raw: bytes) -> None:
        """Push one payload, or keep it; raises StoreError as :meth:`push_many` does."""
        self.push_many({queue: [raw]}, [])

    def push_many(self, queues: ByQueue, scheduled: Sequence[Scheduled]) -> None:
        """Push payloads into their queues and the scheduled set, or keep them all.

        Raises StoreUnavailable when they can't be kept, and any other StoreError of Redis.
        """
        new = parcels(queues, scheduled)
        with self._changed:
            self._changed.wait_for(lambda: self._state != "draining")
            if self._state == "away":
                self._keep(new, StoreUnavailable(self._why))
                return
        try:
            self._enqueue.send([each.command for each in new])
        except StoreUnavailable as error:
            with self._changed:
                first = self._keep(new, error)
            if first:
                logger.warning("%s; meanwhile up to %d jobs are kept here", error, self._limit)

    def close(self) -> None:
        """Try once more, for two seconds at most, and log what is left; from now on keep nothing."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._trying, _AT_EXIT)
            left, self._kept = self._kept, []
        for job in (decode(raw)[0] for each in left for raw in each.raws):
            logger.error(
                "lost, unless it reached Redis unseen: %s jid=%s", job["class"], job["jid"]
            )

    def _keep(self, new: list[Parcel], error: StoreUnavailable) -> bool:
        """Keep *new*; tell whether it is the first. Raises *error* and why, if that can't be."""
        jobs = _jobs(new)
        if self._closing or jobs > self._room:
            full = f"the buffer of {self._limit} jobs is full"
            why = "this process ends" if self._closing else full
            raise StoreUnavailable(f"{error}; {why}", error.maybe_done) from error.__cause__
        first = not self._trying
        if first:
            Kept(self._run, "kiq-push-buffer").start()
        self._trying, self._state, self._why = True, "away", str(error)
        self._kept += new
        self._room, self._total = self._room - jobs, jobs if first else self._total + jobs
        self._changed.notify_all()  # the thread may sleep for seconds yet, with Redis back
        return first

    def _run(self) -> None:
        """Try to push what is kept until nothing is left: at once, then less and less often."""
        pause, last = 0.0, False
        while not last:
            with self._changed:
                # Half a second in any case; what follows of the pause, a push cuts short.
                self._changed.wait_for(lambda: self._closing, min(pause, _PAUSE))
                self._changed.wait(0 if self._closing else max(pause - _PAUSE, 0))
                closing = self._closing
            self._drain()
            pause = min(max(2 * pause, _PAUSE), _LONGEST_PAUSE)
            with self._changed:
                if last := closing or not self._kept:
                    self._trying, self._state = False, "open"
                    total = 0 if self._kept else self._total
                    self._changed.notify_all()
        if total:
            logger.info("Redis answers again: the %d jobs that were kept have been pushed", total)

    def _drain(self) -> None:
        """Push what is kept, the oldest first, until Redis does not take some of it."""
        errors: list[Exception] = []
        while not errors and (batch := self._kept[:_AT_ONCE]):
            try:
                replies = self._enqueue.exchange([each.command for each in batch])
            except Exception as error:  # noqa: BLE001 (without this thread nobody would push them)
                replies = [error] * len(batch)
            errors = [reply for reply in replies if isinstance(reply, Exception)]
            left = [each for each, reply in zip(batch, replies, strict=True) if reply in errors]
            away = any(isinstance(error, StoreUnavailable) for error in errors)
            with self._changed:
                self._kept[: len(batch)] = left
                self._room += _jobs(batch) - _jobs(left)
                self._state = "away" if away else "open" if errors or not self._kept else "draining"
                self._changed.notify_all()
            if errors and not away:
                logger.error("Redis refuses jobs that are kept, and stay so: %s", errors[0])


def _jobs(parcels: list[Parcel]) -> int:
    return sum(len(each.raws) for each in parcels)
