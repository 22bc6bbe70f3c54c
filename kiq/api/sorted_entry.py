"""One entry of the scheduled, the retry or the dead set, with what can be done to it."""

from __future__ import annotations

import datetime
import hashlib

from .. import keys
from ..codec import decode, encode
from ..errors import ArgumentError, Kill, UndecodablePayload
from ..payload import due_at
from ..plugin import host
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

    @property
    def since(self) -> float | None:
        """From when its age counts: its death, its first failure, or when it was made; None if unknown."""
        if self._source == keys.DEAD:
            return self.score
        failed_at = self.failed_at if self._source == keys.RETRY else None
        return failed_at or self.created_at

    @property
    def dead_reason(self) -> str | None:
        """Why it is in the dead set: what is wrong with its bytes, else its error; None if unknown.

        One round trip for a dead entry that is no job, none for others.
        """
        if self._source != keys.DEAD:
            return None
        if self.problem is None:
            parts = (self.error_class, self.error_message)
            return ": ".join(part for part in parts if part) or None
        digest = hashlib.sha1(self.raw, usedforsecurity=False).hexdigest()
        known = self._home.call(("HGET", keys.DEAD_REASON, digest))
        return self.problem if known is None else str(known.decode(errors="replace"))

    def delete(self) -> bool:
        """Delete the entry."""
        return bool(self._home.call(moves.delete(self._source, (self.raw,))))

    def reschedule(self, at: float | datetime.datetime) -> bool:
        """Make the job due *at* (epoch seconds, or an aware datetime). Raises PayloadError for another.

        A dead job is moved to the scheduled set.
        """
        score = due_at(self.class_name, at)
        target = keys.SCHEDULE if self._source == keys.DEAD else self._source
        moved = moves.to_set(self._source, target, score, (self.raw,), self._limits)
        if not self._home.call(moved):
            return False
        self._source, self.score = target, score
        return True

    def add_to_queue(self) -> bool:
        """Move the job to its queue, now, as it is. Raises UndecodablePayload when no queue is known."""
        return self._enqueue(self.raw)

    def retry(self) -> bool:
        """Run the job now instead of later; this run uses up none of its attempts.

        Raises UndecodablePayload when no queue is known.
        """
        return self._enqueue(self.uncounted())

    def kill(self, *, notify: bool = True, error: BaseException | None = None) -> bool:
        """Move the job to the dead set as it is.

        Then tell the death handlers of this process (``kiq.host.on_death``), unless *notify* is False
        or the bytes are no job. They get *error*, or a ``kiq.Kill``. Of a job that is dead already
        they are not told again.
        """
        if not self._home.call(moves.kill(self._source, (self.raw,), self._limits)):
            return False
        if notify:
            self.tell_death(error)
        self._source = keys.DEAD
        return True

    def tell_death(self, error: BaseException | None = None) -> None:
        """Tell the death handlers of this process that the job was killed; see :meth:`kill`."""
        if self._source != keys.DEAD and self.problem is None:
            host.tell_death(self.payload, error or Kill("killed through kiq.api"))

    def uncounted(self) -> bytes:
        """Return its bytes with the retry count that makes the next run an extra one.

        Sidekiq's UI does the same. A count of -1 is one that Sidekiq and kiq both know.
        """
        count = self.retry_count
        if self._source == keys.SCHEDULE or count is None or count < 0:
            return self.raw
        payload, codec = decode(self.raw)
        try:
            return encode({**payload, "retry_count": count - 1}, codec)
        except ArgumentError:
            return self.raw  # what another program wrote, kiq may be able to read and not to write

    def _enqueue(self, job: bytes) -> bool:
        queue = self.queue
        if queue is None:
            raise UndecodablePayload(
                f"this entry of {self._source!r} names no queue to go to "
                f"({self.problem or 'its queue is no name'}): it can only be deleted or killed"
            )
        return bool(self._home.call(moves.to_queue(self._source, queue, (self.raw,), (job,))))
