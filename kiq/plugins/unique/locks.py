"""The locks of unique jobs, for people and pages: whose they are, since when, and how to free them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ... import keys
from ...api import shown
from ...api.home import Connection, connection
from ...api.sifting import Sifted, sift
from ...store.scripts import Command
from . import keys as own
from .lua import read

_PAGE = 500
_FIELDS = ("jid", "moved", "class", "queue", "lock", "since")
_DROP = read("drop") + read("leave") + "return 1\n"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock: its *name*, the *jid* of the job that has it, and of which class and queue that is.

    *kind* is what ``unique=`` said, *since* epoch seconds, *ttl* the seconds for which it holds at most,
    None where nothing ends it but its job.
    """

    name: str
    jid: str
    job_class: str
    queue: str
    kind: str
    since: float
    ttl: float | None
    moved: str = ""


class LockSet:
    """The locks of unique jobs. *client* as for :func:`kiq.api.connection`."""

    def __init__(self, client: Any = None) -> None:
        self._home = connection(client)

    @property
    def size(self) -> int:
        """How many there are; some of them may be over. One round trip."""
        return int(self._home.call(("ZCARD", own.LOCKS)))

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # a set is one, also when it is empty

    def __iter__(self) -> Iterator[Lock]:
        """Yield those that are held, the oldest first; two round trips for 500."""
        after, seen = "-inf", set[bytes]()
        while True:
            command = ("ZRANGEBYSCORE", own.LOCKS, after, "+inf", "WITHSCORES", "LIMIT", 0, _PAGE)
            found = self._home.call(command)
            names = [name for name in found[::2] if name not in seen]
            if not names:
                return
            for lock in held(self._home, [name.decode() for name in names]):
                if lock is not None:
                    yield lock
            if found[-1].decode() != after:
                seen.clear()
            seen.update(names)
            after = found[-1].decode()

    def page(self, begin: str = "", *, text: str | None = None, limit: int = 25) -> Sifted[Lock]:
        """Return a page of those that are held, from the place *begin* on ("": the oldest).

        With *text* those that have it in the job's class, queue or id, or in their name. Looks for 0.15
        seconds at most, or at one slice: two round trips. Raises ConfigError for what is no place.
        """

        def meant(names: Sequence[str]) -> list[Lock | None]:
            return [one if one and _fits(one, text) else None for one in held(self._home, names)]

        return sift(
            self._home,
            own.LOCKS,
            meant,
            begin,
            newest_first=False,
            all_are_meant=text is None,
            limit=limit,
        )

    def find(self, jid: str) -> Lock | None:
        """Return the first lock that the job *jid* has, or None. Walks through all of them."""
        return next((lock for lock in self if lock.jid == jid), None)

    def get(self, name: str) -> Lock | None:
        """Return the lock *name*, or None where it is free. One round trip."""
        return held(self._home, [name])[0]

    def free(self, lock: Lock) -> bool:
        """Free *lock*; False if it was free, or another's, or its job has gone on meanwhile.

        Its job stays where it is, and runs; another of its like may be pushed. One round trip.
        """
        return bool(self._home.call(freeing(lock.name, lock.jid, lock.moved)))

    def free_all(self, locks: Sequence[Lock]) -> int:
        """Free *locks*, each as :meth:`free` does; return how many. One round trip for 500."""
        freed = 0
        for first in range(0, len(locks), _PAGE):
            page = locks[first : first + _PAGE]
            freed += sum(
                self._home.exchange([freeing(lock.name, lock.jid, lock.moved) for lock in page])
            )
        return freed

    def clear(self) -> int:
        """Free all; return how many. Three round trips for 500."""
        return self.free_all(list(self))


def _fits(lock: Lock, text: str | None) -> bool:
    return text is None or any(
        text in each for each in (lock.jid, lock.job_class, lock.queue, lock.name)
    )


def held(home: Connection, names: Sequence[str]) -> list[Lock | None]:
    """Return the locks *names*, None for those that are free. One round trip for 500."""
    found: list[Lock | None] = []
    for first in range(0, len(names), _PAGE):
        page = names[first : first + _PAGE]
        commands: list[Command] = []
        for name in page:
            commands += (("HMGET", own.lock(name), *_FIELDS), ("PTTL", own.lock(name)))
        replies = home.exchange(commands) if commands else []
        found += [_lock(*each) for each in zip(page, replies[::2], replies[1::2], strict=True)]
    return found


def freeing(name: str, jid: str, moved: str) -> Command:
    """Return the command that frees the lock *name* if it is *jid*'s and was not touched since; 1 if so."""
    key = name.removeprefix(own.run_name(""))
    runs = key != name
    names = (own.lock(key), own.LOCKS, own.REPLACED, own.lock(own.run_name(key)))
    more = (own.waiting(key), keys.SCHEDULE, keys.bell(keys.POLLER_BELL))
    what = ("", "", "", "free") if runs else ("free", "", "", "")
    args = (jid, key, *what, own.run_name(key), moved)
    return ("EVAL", _DROP, len(names) + len(more), *names, *more, *args)


def _lock(name: str, values: Sequence[bytes | None], ttl: int) -> Lock | None:
    jid, moved, job_class, queue, kind, since = [
        (v or b"").decode(errors="replace") for v in values
    ]
    if values[0] is None:
        return None
    seconds = ttl / 1000 if ttl >= 0 else None
    return Lock(name, jid, job_class, queue, kind, shown.number(since), seconds, moved)
