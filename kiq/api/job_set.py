"""The sorted sets of jobs: looked at in pages, handled in batches, however large they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import keys
from ..errors import ConfigError
from ..store.flight import DeadLimits
from ..store.scripts import Command
from . import moves, scripts
from .connection import connection
from .sorted_entry import SortedEntry

_PAGE, _PAGE_BYTES = 100, 1_000_000
_SCAN = 1000  # members that one round trip of a scan looks at
_SPECIAL = str.maketrans({each: f"\\{each}" for each in "[]?\\"})

Progress = Callable[[int], object]
_Member = tuple[bytes, bytes]  # payload, score as Redis writes it


class JobSet:
    """A sorted set of jobs. *client* as for :func:`kiq.api.connection`.

    *dead_max_jobs* and *dead_timeout* (seconds) are to be the workers' own: to these limits whatever
    kills a job trims the dead set.
    """

    key: str

    def __init__(
        self,
        client: Any = None,
        *,
        dead_max_jobs: int = moves.DEAD_LIMITS.size,
        dead_timeout: float = moves.DEAD_LIMITS.age,
    ) -> None:
        self._connection = connection(client)
        self._limits = DeadLimits(dead_max_jobs, dead_timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

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
        for page in self._pages("down" if newest_first else "up"):
            for raw, score in page:
                yield self._entry(raw, score)

    def scan(self, text: str) -> Iterator[SortedEntry]:
        """Yield the entries whose bytes hold *text*, in no order; a ``*`` in it stands for any bytes.

        One round trip for 1,000 members. An entry may come twice if the set changes meanwhile.
        """
        pattern = text.translate(_SPECIAL)
        return self._scan(pattern if "*" in text else f"*{pattern}*")

    def _scan(self, pattern: str) -> Iterator[SortedEntry]:
        cursor = b"0"
        while True:
            cursor, found = self._connection.call(
                ("ZSCAN", self.key, cursor, "MATCH", pattern, "COUNT", _SCAN)
            )
            for raw, score in zip(found[::2], found[1::2], strict=True):
                yield self._entry(raw, score)
            if cursor == b"0":
                return

    def find(self, jid: str) -> SortedEntry | None:
        """Return the entry with this *jid*, or None. Looks through the set; see :meth:`scan`."""
        literal = jid.translate(_SPECIAL).replace("*", "\\*")
        candidates = self._scan(f"*{literal}*")
        return next((entry for entry in candidates if entry.jid == jid), None)

    def fetch(
        self, score: float | tuple[float, float], jid: str | None = None
    ) -> list[SortedEntry]:
        """Return the entries at *score*, or from one to another, the lowest first; of *jid* only."""
        low, high = score if isinstance(score, tuple) else (score, score)
        before = repr(math.nextafter(low, -math.inf)).encode()
        found: list[SortedEntry] = []
        for page in self._pages("up", (b"", before)):
            entries = [self._entry(*member) for member in page]
            found += [e for e in entries if low <= e.score <= high and jid in (None, e.jid)]
            if entries[-1].score > high:
                break
        return found

    def retry_all(self, progress: Progress | None = None) -> int:
        """Move every job to its queue, the lowest score first; return how many.

        In batches of a hundred; *progress* is called with the number so far after each. What names no
        queue stays. Raises StoreError; what was not moved by then is where it was.
        """
        return self._all(self._to_queues, progress)

    def kill_all(self, progress: Progress | None = None) -> int:
        """Move every job to the dead set; return how many. See :meth:`retry_all`."""
        if self.key == keys.DEAD:
            raise ConfigError("the jobs of the dead set are dead already: clear() deletes them")
        return self._all(self._to_dead, progress)

    def clear(self) -> int:
        """Delete all at once; return how many. One round trip."""
        return int(self._connection.call(moves.clear(self.key)))

    def _all(
        self, handle: Callable[[Sequence[_Member]], list[Command]], progress: Progress | None
    ) -> int:
        """Handle each batch of what is there now: what comes later with a higher score, is not."""
        last = next(self.entries(), None)
        done = 0
        for page in self._pages("up") if last else ():
            batch = [member for member in page if last and float(member[1]) <= last.score]
            commands = handle(batch)
            if commands:
                done += sum(self._connection.exchange(commands))
            if progress is not None:
                progress(done)
            if len(batch) < len(page):
                break
        return done

    def _to_queues(self, batch: Sequence[_Member]) -> list[Command]:
        queues: dict[str, list[bytes]] = {}
        for member in batch:
            queue = self._entry(*member).queue
            if queue is not None:
                queues.setdefault(queue, []).append(member[0])
        return [moves.to_queue(self.key, queue, raws) for queue, raws in queues.items()]

    def _to_dead(self, batch: Sequence[_Member]) -> list[Command]:
        raws = [raw for raw, _ in batch]
        return [moves.kill(self.key, raws, self._limits)] if raws else []

    def _pages(self, way: str, after: _Member | None = None) -> Iterator[list[_Member]]:
        while True:
            place = () if after is None else (after[1], after[0])
            found = self._connection.call(
                scripts.set_page((self.key,), (way, _PAGE, _PAGE_BYTES, *place))
            )
            if not found:
                return
            page = list(zip(found[::2], found[1::2], strict=True))
            yield page
            after = page[-1]

    def _entry(self, raw: bytes, score: bytes) -> SortedEntry:
        return SortedEntry(self._connection, self.key, self._limits, raw, float(score))


class ScheduledSet(JobSet):
    """Jobs that wait for their time; the score is when they are due."""

    key = keys.SCHEDULE


class RetrySet(JobSet):
    """Jobs that failed and wait for their next attempt; the score is when it is due."""

    key = keys.RETRY


class DeadSet(JobSet):
    """Jobs that failed for good; the score is when they died."""

    key = keys.DEAD
