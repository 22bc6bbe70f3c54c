"""One entry of the scheduled, the retry or the dead set, with what can be done to it."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping

from .. import keys
from ..codec import decode, encode
from ..errors import ArgumentError, Kill, UndecodablePayload
from ..payload import UNCANCELLED, due_at
from ..plugin import host
from ..priority import list_of
from ..store.flight import DeadLimits
from . import marks, moves, telling
from .home import Connection
from .job_record import JobRecord


class SortedEntry(JobRecord):
    """A job with its *score*: when it is due, or when it died (epoch seconds).

    What is done to an entry is one script, finds it by its very bytes, and leaves its neighbours of
    the same score alone. It returns False, with nothing done, when another process took the entry
    meanwhile. If it raises StoreError, the entry is where it was, or (``maybe_done``) where it was to
    go. What is to run again is exempt from a ``kiq.cancel`` before that: asking costs one more round trip.
    """

    def __init__(
        self, home: Connection, source: str, limits: DeadLimits, raw: bytes, score: float
    ) -> None:
        super().__init__(raw)
        self.score = score
        self.dropped = 0
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
        leaving = telling.Leaving(self._source, (self.raw,), telling.deleted)
        return len(leaving.exchange(self._home, moves.delete(self._source, (self.raw,)))) > 1

    def reschedule(self, at: float | datetime.datetime) -> bool:
        """Make the job due *at* (epoch seconds, or an aware datetime). Raises PayloadError for another.

        A dead job is moved to the scheduled set.
        """
        score = due_at(self.class_name, at)
        target = keys.SCHEDULE if self._source == keys.DEAD else self._source
        leaving = self.leaving(self._marks())
        _, *moved = self._home.call(moves.to_set(self._source, target, score, leaving))
        if not moved:
            return False
        super().__init__(leaving.job)
        self._source, self.score = target, score
        return True

    def add_to_queue(self) -> bool:
        """Move the job to its queue, now, as it is. Raises UndecodablePayload when no queue is known."""
        return self._enqueue(uncounted=False)

    def retry(self) -> bool:
        """Run the job now instead of later; this run uses up none of its attempts.

        Raises UndecodablePayload when no queue is known.
        """
        return self._enqueue(uncounted=True)

    def kill(self, *, notify: bool = True, error: BaseException | None = None) -> bool:
        """Move the job to the dead set as it is.

        Then tell the death handlers of this process (``kiq.host.on_death``), unless *notify* is False
        or the bytes are no job. They get *error*, or a ``kiq.Kill``. Of a job that is dead already
        they are not told again. *dropped* says then how many jobs left the dead set, which was full.
        """
        leaving = telling.Leaving(self._source, (self.raw,), telling.killed)
        command = moves.kill(self._source, (self.raw,), self._limits)
        self.dropped, *moved = leaving.exchange(self._home, command)
        if not moved:
            return False
        if notify:
            self.tell_death(error)
        self._source = keys.DEAD
        return True

    def tell_death(self, error: BaseException | None = None) -> None:
        """Tell the death handlers of this process that the job was killed; see :meth:`kill`."""
        if self._source != keys.DEAD and self.problem is None:
            host.tell_death(self.payload, error or Kill("killed through kiq.api"))

    def leaving(self, marks: Mapping[str, float], *, uncounted: bool = False) -> moves.Leaving:
        """Return it with the bytes that it is to have when somebody wants it to run.

        *marks* are those of cancelled jobs: it is exempt from its own. *uncounted* takes 1 off the
        retry count, which makes the next run an extra one. Sidekiq's UI does the same; a count of -1 is
        one that Sidekiq and kiq both know.
        """
        changes: dict[str, int | float] = {}
        count = self.retry_count
        if uncounted and self._source != keys.SCHEDULE and count is not None and count >= 0:
            changes["retry_count"] = count - 1
        if self.jid in marks:
            changes[UNCANCELLED] = marks[self.jid]
        job = self.raw
        if changes:
            payload, codec = decode(self.raw)
            try:
                job = encode({**payload, **changes}, codec)
            except ArgumentError:
                pass  # what another program wrote, kiq may be able to read and not to write
        return moves.Leaving(self.raw, self.jid, job)

    @property
    def list_name(self) -> str | None:
        """The name of the list that it goes to: of its queue, or of a band. None as for *queue*."""
        queue = self.queue
        return None if queue is None else list_of({**self.payload, "queue": queue})

    @property
    def why_no_queue(self) -> str:
        """What keeps it from going to a queue; for one whose *queue* is None."""
        return (
            f"names no queue to go to ({self.problem or 'its queue is no name'}): it can only be "
            "deleted or killed"
        )

    def _marks(self) -> dict[str, float]:
        return marks.of(self._home, [self.jid])

    def _enqueue(self, *, uncounted: bool) -> bool:
        queue = self.list_name
        if queue is None:
            raise UndecodablePayload(f"this entry of {self._source!r} {self.why_no_queue}")
        leaving = self.leaving(self._marks(), uncounted=uncounted)
        return bool(self._home.call(moves.to_queue(self._source, queue, [leaving])))
