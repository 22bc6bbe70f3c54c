"""One entry of the scheduled, the retry or the dead set, with what can be done to it."""

from __future__ import annotations

import datetime

from .. import keys
from ..errors import UndecodablePayload
from ..payload import due_at
from ..store.flight import DeadLimits
from . import moves
from .connection import Connection
from .job_record import JobRecord


class SortedEntry(JobRecord):
    """A job with its *score*: when it is due, or when it died (epoch seconds).

    What is done to an entry is one script and one round trip, finds it by its very bytes, and leaves
    its neighbours of the same score alone. It returns False, with nothing done, when another process
    took the entry meanwhile. If it raises StoreError, the entry is where it was, or (``maybe_done``)
    where it was to go.
    """

    def __init__(
        self, home: Connection, source: str, limits: DeadLimits, raw: bytes, score: float
    ) -> None:
        super().__init__(raw)
        self.score = score
        self._home, self._source, self._limits = home, source, limits

    @property
    def at(self) -> datetime.datetime:
        """The score as an aware datetime; raises OverflowError or ValueError beyond its years."""
        return datetime.datetime.fromtimestamp(self.score, datetime.UTC)

    def delete(self) -> bool:
        """Delete the entry."""
        return bool(self._home.call(moves.delete(self._source, (self.raw,))))

    def reschedule(self, at: float | datetime.datetime) -> bool:
        """Make the job due *at* (epoch seconds, or an aware datetime). Raises PayloadError for another.

        A dead job is moved to the scheduled set.
        """
        score = due_at(self.class_name, at)
        target = keys.SCHEDULE if self._source == keys.DEAD else self._source
        if not self._home.call(moves.to_set(self._source, target, score, (self.raw,))):
            return False
        self._source, self.score = target, score
        return True

    def add_to_queue(self) -> bool:
        """Move the job to its queue, now. Raises UndecodablePayload when no queue is known."""
        queue = self.queue
        if queue is None:
            raise UndecodablePayload(
                f"this entry of {self._source!r} names no queue to go to "
                f"({self.problem or 'its queue is no name'}): it can only be deleted or killed"
            )
        return bool(self._home.call(moves.to_queue(self._source, queue, (self.raw,))))

    def retry(self) -> bool:
        """Run the job now instead of later: the same as :meth:`add_to_queue`."""
        return self.add_to_queue()

    def kill(self) -> bool:
        """Move the job to the dead set as it is; death handlers are not told."""
        return bool(self._home.call(moves.kill(self._source, (self.raw,), self._limits)))
