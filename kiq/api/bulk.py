"""What is done to all entries of a sorted set that are meant, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import keys
from ..errors import StoreDenied, StoreError, StoreUnavailable
from ..store.flight import DeadLimits
from ..store.scripts import Command
from . import marks, moves
from .acted import GONE, Acted, Tally
from .home import Connection
from .presence import Presence
from .selection import Selection
from .set_pages import pages
from .sorted_entry import SortedEntry
from .telling import Leaving, deleted, killed

#: Called with how many members have been looked at, and how many there are to look at; False: stop here.
Progress = Callable[[int, int], object]


class Bulk:
    """Handles the set *key* a page at a time: what is loaded stays small, whatever the set's size."""

    def __init__(self, home: Connection, key: str, limits: DeadLimits) -> None:
        self._home, self._key, self._limits = home, key, limits
        self._tally = Tally()
        #: Where nothing can go, and why: asked once.
        self._refused: dict[str, StoreError] = {}
        self._marked = False  # whether any job is cancelled

    def run(self, handle: Handle, selection: Selection, progress: Progress | None) -> Acted:
        """Give each batch of what is there now to *handle*; return what it came to.

        What comes meanwhile is left alone, wherever it comes, also what was handled and comes back.
        Raises StoreError, with what was done before in ``acted``, when Redis is away, or lets this
        user do nothing at all.
        """
        try:
            self._run(handle, selection, progress)
            denied = [e for e in self._refused.values() if isinstance(e, StoreDenied)]
            if denied and not self._tally.done:
                raise denied[0]
        except StoreError as error:
            error.acted = self._tally.acted
            raise
        return self._tally.acted

    def _run(self, handle: Handle, selection: Selection, progress: Progress | None) -> None:
        until, total = self._extent(selection)
        if not total:
            return
        self._marked = marks.are_there(self._home)
        there = Presence(self._home, self._key, selection.needle, until)
        looked_at = 0
        for page in pages(self._home, self._key, "up", selection.needle, until=until):
            entries = (
                SortedEntry(self._home, self._key, self._limits, raw, float(score))
                for raw, score in page.members
                if there.take((raw, score))
            )
            batch = [entry for entry in entries if selection.takes(entry)]
            if batch:
                handle(self, batch)
            looked_at += page.looked_at
            if progress is not None and looked_at < total and progress(looked_at, total) is False:
                return
        if progress is not None:
            progress(total, total)

    def to_queues(self, batch: Sequence[SortedEntry]) -> None:
        """Retry all of *batch* that names a queue; one round trip, two where jobs are cancelled."""
        queues: dict[str, list[SortedEntry]] = {}
        for entry in batch:
            queue = entry.list_name
            if queue is None:
                self._tally.leave(entry.why_no_queue)
            elif queue in self._refused:
                self._leave(queue, 1)
            else:
                queues.setdefault(queue, []).append(entry)
        known = marks.of(self._home, [entry.jid for entry in batch]) if self._marked else {}
        self._act(
            (
                queue,
                len(entries),
                moves.to_queue(
                    self._key, queue, [entry.leaving(known, uncounted=True) for entry in entries]
                ),
            )
            for queue, entries in queues.items()
        )

    def to_dead(
        self, batch: Sequence[SortedEntry], *, notify: bool, error: BaseException | None
    ) -> None:
        """Kill *batch*; one round trip. With *notify* the death handlers are told of each."""
        if keys.DEAD in self._refused:
            self._leave(keys.DEAD, len(batch))
            return
        raws = [entry.raw for entry in batch]
        command = moves.kill(self._key, raws, self._limits)
        leaving = Leaving(self._key, raws, killed)
        (reply,) = self._act([(keys.DEAD, len(batch), command)], leaving)
        if notify and not isinstance(reply, StoreError):
            for place in reply[1:]:
                batch[place - 1].tell_death(error)

    def delete(self, batch: Sequence[SortedEntry]) -> None:
        """Delete *batch*; one round trip."""
        raws = [entry.raw for entry in batch]
        command = moves.delete(self._key, raws)
        self._act([(self._key, len(batch), command)], Leaving(self._key, raws, deleted))

    def clear(self) -> Acted:
        """Delete the whole set; one round trip."""
        return Acted.of(self._home.call(moves.clear(self._key)))

    def _act(
        self, parts: Iterable[tuple[str, int, Command]], leaving: Leaving | None = None
    ) -> list[Any]:
        """Send what is done to so many jobs that go to one place each; count, and return the replies.

        With *leaving* it is one command, by which they leave for good.
        """
        given = list(parts)
        commands = [command for *_, command in given]
        if leaving is not None:
            commands = leaving.commands(*commands)
        replies = self._home.replies(commands) if commands else []
        if leaving is not None:
            replies = [leaving.reply(replies)]
        away = None
        for (target, size, _), reply in zip(given, replies, strict=True):
            if isinstance(reply, StoreUnavailable):
                away = reply
            elif isinstance(reply, StoreError):
                self._refused[target] = reply
                self._leave(target, size)
            else:
                dropped, done = (
                    (reply[0], len(reply) - 1) if isinstance(reply, list) else (0, reply)
                )
                self._tally.dropped += dropped
                self._tally.done += done
                self._tally.leave(GONE, size - done)
        if away is not None:
            raise away
        return replies

    def _leave(self, target: str, count: int) -> None:
        self._tally.leave(f"{target} takes none: {self._refused[target]}", count)

    def _extent(self, selection: Selection) -> tuple[float, int]:
        """Return the highest score to look at, and how many members there are up to it."""
        last = self._home.call(("ZREVRANGE", self._key, 0, 0, "WITHSCORES"))
        if not last:
            return 0.0, 0
        until = float(last[1])
        if self._key == keys.DEAD and selection.before is not None:
            until = min(until, selection.before)  # the score is the time of death
        return until, int(self._home.call(("ZCOUNT", self._key, "-inf", repr(until))))


Handle = Callable[[Bulk, list[SortedEntry]], None]
