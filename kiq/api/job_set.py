"""The sorted sets of jobs: looked at in pages, handled in batches, however large they are."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from typing import Any

from .. import keys
from ..errors import ConfigError
from .acted import Acted
from .bulk import Bulk, Handle, Progress
from .filters import Filter
from .home import Connection, connection
from .limits import dead_limits
from .selection import Selection
from .set_pages import Page, Place, pages
from .sorted_entry import SortedEntry
from .telling import watched

_SCAN = 1000  # members that one round trip of a scan looks at
_SPECIAL = str.maketrans({each: f"\\{each}" for each in "[]?\\"})


class JobSet:
    """A sorted set of jobs. *client* as for :func:`kiq.api.connection`.

    Whatever kills a job trims the dead set to *dead_max_jobs* and *dead_timeout* (seconds). They are
    those of ``kiq.configure(file)`` unless said here, and ought to be the workers' own.

    What selects entries: *text* that their bytes hold; *job_class*, a class or the name of one;
    *older_than* (seconds or a timedelta): died before, in the retry set failed first before, in the
    scheduled set made before. ConfigError is raised for an empty text or name.
    """

    key: str

    def __init__(
        self,
        client: Any = None,
        *,
        dead_max_jobs: int | None = None,
        dead_timeout: float | None = None,
    ) -> None:
        self._connection = connection(client)
        self._limits = dead_limits(client, dead_max_jobs, dead_timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @property
    def home(self) -> Connection:
        """What it is read by."""
        return self._connection

    @property
    def size(self) -> int:
        """How many jobs there are. One round trip."""
        return int(self._connection.call(("ZCARD", self.key)))

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # a set is one, also when it is empty

    def __iter__(self) -> Iterator[SortedEntry]:
        """Yield the entries, the highest score first; see :meth:`entries`."""
        return self.entries()

    def __reversed__(self) -> Iterator[SortedEntry]:
        """Yield the entries, the lowest score first; see :meth:`entries`."""
        return self.entries(newest_first=False)

    def entries(self, *, newest_first: bool = True) -> Iterator[SortedEntry]:
        """Yield the entries by score, a hundred for a round trip.

        Entries may come and go meanwhile: none that stays is missed, or comes twice.
        """
        return self.select(newest_first=newest_first)

    def select(
        self,
        *,
        text: str | None = None,
        job_class: Any = None,
        older_than: float | datetime.timedelta | None = None,
        wanted: Filter | str | None = None,
        newest_first: bool = True,
    ) -> Iterator[SortedEntry]:
        """Yield the entries that are meant, by score, as :meth:`entries` does.

        *wanted* is a filter, or what it says: ``"class:Mail error:timeout age>2h"``.
        Redis looks for the text, and for the name of the class: 1,000 entries in a round trip.
        """
        return self._selected(Selection(text, job_class, older_than, wanted), newest_first)

    def _selected(self, selection: Selection, newest_first: bool) -> Iterator[SortedEntry]:
        for page in self.pages("down" if newest_first else "up", selection.needle):
            for raw, score in page.members:
                entry = self.entry(raw, score)
                if selection.takes(entry):
                    yield entry

    def scan(self, text: str) -> Iterator[SortedEntry]:
        """Yield the entries whose bytes hold *text*, in no order; a ``*`` in it stands for any bytes.

        One round trip for 1,000 members. An entry may come twice if the set changes meanwhile.
        """
        pattern = text.translate(_SPECIAL)
        return self._scan(pattern if "*" in text else f"*{pattern}*")

    def _scan(self, pattern: str) -> Iterator[SortedEntry]:
        cursor = "0"
        while True:
            cursor, entries = self._scan_page(cursor, pattern)
            yield from entries
            if cursor == "0":
                return

    def scan_from(self, cursor: str, needle: bytes) -> tuple[str, list[SortedEntry]]:
        """Return where to go on ("0": that was the end), and those of 1,000 entries that hold *needle*.

        The first *cursor* is "0". In no order; one round trip.
        """
        literal = needle.decode("utf-8", "surrogateescape")
        return self._scan_page(cursor, f"*{_literal(literal)}*" if literal else "*")

    def _scan_page(self, cursor: str, pattern: str) -> tuple[str, list[SortedEntry]]:
        sought = pattern.encode("utf-8", "surrogateescape")
        behind, found = self._connection.call(
            ("ZSCAN", self.key, cursor, "MATCH", sought, "COUNT", _SCAN)
        )
        members = zip(found[::2], found[1::2], strict=True)
        return behind.decode(), [self.entry(raw, score) for raw, score in members]

    def find(self, jid: str) -> SortedEntry | None:
        """Return the entry with this *jid*, or None. Looks through the set; see :meth:`scan`."""
        candidates = self._scan(f"*{_literal(jid)}*")
        return next((entry for entry in candidates if entry.jid == jid), None)

    def fetch(
        self, score: float | tuple[float, float], jid: str | None = None
    ) -> list[SortedEntry]:
        """Return the entries at *score*, or from one to another, the lowest first; of *jid* only."""
        low, high = score if isinstance(score, tuple) else (score, score)
        before = repr(math.nextafter(low, -math.inf)).encode()
        found: list[SortedEntry] = []
        for page in self.pages("up", after=(b"", before)):
            entries = [self.entry(*member) for member in page.members]
            found += [e for e in entries if low <= e.score <= high and jid in (None, e.jid)]
            if entries[-1].score > high:
                break
        return found

    def retry_all(
        self,
        *,
        text: str | None = None,
        job_class: Any = None,
        older_than: float | datetime.timedelta | None = None,
        wanted: Filter | str | None = None,
        progress: Progress | None = None,
    ) -> Acted:
        """Retry every job that is meant, the lowest score first; return how many, and what stayed.

        In batches of a hundred. After each, *progress* is called with how many of the set have been
        looked at, and how many there are to look at; False of it ends the act. Each is handled once: what
        comes meanwhile, or fails and comes back, is left alone. What names no queue stays, and what its
        queue refuses; ``.left`` says why. Raises StoreError when Redis is away, or denies it all:
        ``.acted`` of the error is what was done before, the rest is where it was.
        """
        selection = Selection(text, job_class, older_than, wanted)
        return self.handle_all(Bulk.to_queues, selection, progress)

    def kill_all(
        self,
        *,
        text: str | None = None,
        job_class: Any = None,
        older_than: float | datetime.timedelta | None = None,
        wanted: Filter | str | None = None,
        progress: Progress | None = None,
        notify: bool = False,
        error: BaseException | None = None,
    ) -> Acted:
        """Move every job that is meant to the dead set; return how many. See :meth:`retry_all`.

        ``.dropped`` says how many left the dead set, as it was full.
        With *notify* the death handlers of this process are told of each: ``SortedEntry.kill``.
        """
        if self.key == keys.DEAD:
            raise ConfigError("the jobs of the dead set are dead already: clear() deletes them")
        selection = Selection(text, job_class, older_than, wanted)

        def to_dead(bulk: Bulk, batch: list[SortedEntry]) -> None:
            bulk.to_dead(batch, notify=notify, error=error)

        return self.handle_all(to_dead, selection, progress)

    def delete_all(
        self,
        *,
        text: str | None = None,
        job_class: Any = None,
        older_than: float | datetime.timedelta | None = None,
        wanted: Filter | str | None = None,
        progress: Progress | None = None,
    ) -> Acted:
        """Delete every job that is meant; return how many. See :meth:`retry_all`, and :meth:`clear`."""
        return self.handle_all(
            Bulk.delete, Selection(text, job_class, older_than, wanted), progress
        )

    def clear(self) -> Acted:
        """Delete all at once; return how many. One round trip.

        Where a plugin wants to know of each job it is :meth:`delete_all`.
        """
        if watched():
            return self.delete_all()
        return Bulk(self._connection, self.key, self._limits).clear()

    def handle_all(self, handle: Handle, selection: Selection, progress: Progress | None) -> Acted:
        """Give all that *selection* takes to *handle*, in batches. See :meth:`retry_all`."""
        return Bulk(self._connection, self.key, self._limits).run(handle, selection, progress)

    def pages(self, way: str, needle: bytes = b"", after: Place | None = None) -> Iterator[Page]:
        """Yield pages of members that hold *needle*, by score *way* ("up", "down"), from behind *after*."""
        return pages(self._connection, self.key, way, needle, after)

    def entry(self, raw: bytes, score: bytes) -> SortedEntry:
        """Return the entry that a member with its score is."""
        return SortedEntry(self._connection, self.key, self._limits, raw, float(score))


def _literal(text: str) -> str:
    """Return the pattern that means *text* itself."""
    return text.translate(_SPECIAL).replace("*", "\\*")


class ScheduledSet(JobSet):
    """Jobs that wait for their time; the score is when they are due."""

    key = keys.SCHEDULE


class RetrySet(JobSet):
    """Jobs that failed and wait for their next attempt; the score is when it is due."""

    key = keys.RETRY


class DeadSet(JobSet):
    """Jobs that failed for good; the score is when they died."""

    key = keys.DEAD
