"""What is done to all entries of a sorted set that are meant, in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import keys
from ..store.flight import DeadLimits
from ..store.scripts import Command
from . import moves
from .connection import Connection
from .selection import Selection
from .set_pages import pages
from .sorted_entry import SortedEntry

#: Called with how many members have been looked at, and how many there are to look at.
Progress = Callable[[int, int], object]


class Bulk:
    """Handles the set *key* a page at a time: what is loaded stays small, whatever the set's size."""

    def __init__(self, home: Connection, key: str, limits: DeadLimits) -> None:
        self._home, self._key, self._limits = home, key, limits

    def run(self, handle: Handle, selection: Selection, progress: Progress | None) -> int:
        """Give each batch of what is there now to *handle*; return how many it handled.

        What comes meanwhile with a score beyond all that were there is left alone.
        """
        until, total = self._extent(selection)
        looked_at = done = 0
        for page in pages(self._home, self._key, "up", selection.needle) if total else ():
            entries = (
                SortedEntry(self._home, self._key, self._limits, raw, float(score))
                for raw, score in page.members
                if float(score) <= until
            )
            batch = [entry for entry in entries if selection.takes(entry)]
            if batch:
                done += handle(self, batch)
            looked_at += page.looked_at
            if float(page.last[1]) > until:
                break
            if progress is not None and looked_at < total:
                progress(looked_at, total)
        if progress is not None and total:
            progress(total, total)
        return done

    def to_queues(self, batch: Sequence[SortedEntry]) -> int:
        """Retry all of *batch* that names a queue; one round trip."""
        queues: dict[str, list[SortedEntry]] = {}
        for entry in batch:
            if entry.queue is not None:
                queues.setdefault(entry.queue, []).append(entry)
        commands: list[Command] = []
        for queue, entries in queues.items():
            raws = [entry.raw for entry in entries]
            jobs = [entry.uncounted() for entry in entries]
            changed = jobs if jobs != raws else ()
            commands.append(moves.to_queue(self._key, queue, raws, changed))
        return sum(self._home.exchange(commands)) if commands else 0

    def to_dead(
        self, batch: Sequence[SortedEntry], *, notify: bool, error: BaseException | None
    ) -> int:
        """Kill *batch*; one round trip. With *notify* the death handlers are told of each."""
        raws = [entry.raw for entry in batch]
        moved = self._home.call(moves.kill(self._key, raws, self._limits))
        for place in moved if notify else ():
            batch[place - 1].tell_death(error)
        return len(moved)

    def delete(self, batch: Sequence[SortedEntry]) -> int:
        """Delete *batch*; one round trip."""
        return int(self._home.call(moves.delete(self._key, [entry.raw for entry in batch])))

    def clear(self) -> int:
        """Delete the whole set; one round trip."""
        return int(self._home.call(moves.clear(self._key)))

    def _extent(self, selection: Selection) -> tuple[float, int]:
        """Return the highest score to look at, and how many members there are up to it."""
        last = self._home.call(("ZREVRANGE", self._key, 0, 0, "WITHSCORES"))
        if not last:
            return 0.0, 0
        until = float(last[1])
        if self._key == keys.DEAD and selection.before is not None:
            until = min(until, selection.before)  # the score is the time of death
        return until, int(self._home.call(("ZCOUNT", self._key, "-inf", repr(until))))


Handle = Callable[[Bulk, list[SortedEntry]], int]
