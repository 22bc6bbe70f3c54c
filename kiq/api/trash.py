"""What people take away is kept for ten minutes, so that it can be undone: see :func:`undoable`."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from ..clock import wall
from ..store.scripts import Command
from .home import Connection, connection
from .scripts import Taking

#: Seconds for which an act can be undone, counted from its last step.
KEPT_FOR = 600
#: Jobs, and bytes, that are kept of one act at most, and bytes of all acts.
MOST_JOBS, MOST_BYTES, MOST_IN_ALL = 10_000, 8_000_000, 32_000_000

ACTS = "kiq:undo"  # sorted set of acts, score = when they began, seconds
_LISTED_FOR = 24 * 3600  # seconds: a slow act takes hours, perhaps
_LONGEST = 200  # characters of what is said of an act


def kept_of(act: str) -> str:
    """Return the key of the list of what *act* took."""
    return f"{ACTS}:{act}"


def about(act: str) -> str:
    """Return the key of the hash that says who did *act*, and how much is kept of it."""
    return f"{ACTS}:{act}:about"


def can_undo(count: int, examples: Sequence[bytes] = (), *, at_once: bool = False) -> int:
    """Return how many of *count* jobs an act could bring back, were they as large as *examples*.

    *at_once*: where a queue or a set is cleared as a whole, all of them come back or none.
    """
    size = sum(map(len, examples)) / len(examples) if examples else 0.0
    most = min(count, MOST_JOBS, int(MOST_BYTES / (size + 60)))
    return 0 if at_once and most < count else most


def act_of(key: str) -> str:
    """Return the id of the act that is known elsewhere as *key*: the same each time."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


class Act:
    """What somebody does, as it can be undone by its *id*. It is noted when it takes its first job.

    Threads: the one that acts.
    """

    def __init__(self, home: Connection, act: str, by: str, what: str) -> None:
        self.id = act
        self._home, self._by, self._what = home, by[:_LONGEST], what[:_LONGEST]
        self._noted = False

    @property
    def jobs(self) -> int:
        """How many jobs are kept of it now. One round trip."""
        return int(self._home.call(("HGET", about(self.id), "jobs")) or 0)

    def keeping(
        self, script: Taking, names: Sequence[str], args: Sequence[Any], to: str
    ) -> Command:
        """Return the command that runs *script* and keeps what that takes, to *to* ("": it is deleted).

        It takes from the first of *names*, or says itself from where. The first costs three round trips.
        """
        if not self._noted:
            self._note()
        source = names[0]
        limits = (KEPT_FOR, MOST_JOBS, MOST_BYTES, source, to)
        return script.keeping((*names, kept_of(self.id), about(self.id)), (*args, *limits))

    def _note(self) -> None:
        now = wall()
        said = ("by", self._by, "what", self._what, "at", repr(now))
        self._home.exchange(
            (
                *self._room(now),
                ("ZADD", ACTS, repr(now), self.id),
                ("EXPIRE", ACTS, _LISTED_FOR),
                ("HSET", about(self.id), *said),
                ("EXPIRE", about(self.id), KEPT_FOR),
            )
        )
        self._noted = True

    def _room(self, now: float) -> list[Command]:
        """Return the commands that forget the oldest acts, so that there is room for one more."""
        flat = self._home.call(("ZREVRANGE", ACTS, 0, -1, "WITHSCORES"))
        older = [(raw.decode(), float(at)) for raw, at in zip(flat[::2], flat[1::2], strict=True)]
        sizes = self._home.exchange([("HGET", about(act), "bytes") for act, _ in older])
        room = MOST_IN_ALL - MOST_BYTES
        commands: list[Command] = []
        for (act, began), size in zip(older, sizes, strict=True):
            room -= int(size or 0)
            # One that has kept nothing may just be beginning.
            if room < 0 or (size is None and began < now - KEPT_FOR):
                commands += (("UNLINK", kept_of(act), about(act)), ("ZREM", ACTS, act))
        return commands


_current: ContextVar[Act | None] = ContextVar("kiq_undoable", default=None)


@contextlib.contextmanager
def undoable(by: str = "", what: str = "", *, client: Any = None, act: str = "") -> Iterator[Act]:
    """Keep for ten minutes what the data API deletes, clears, kills, or moves within the block.

    *by* and *what* say who does what, for those who may undo it: :func:`undo` with the ``id`` of what this
    returns. *client* as for :func:`kiq.api.connection`, and the same as that of the queues and sets. 10,000
    jobs of an act are kept, or 8 MB; what is beyond that is done all the same, and can't be undone. A
    queue or a set of more than 10,000 is cleared for good. Of all acts 32 MB are kept: the oldest go first.

    Threads: it counts for the thread that enters it.
    """
    one = Act(connection(client), act or secrets.token_hex(8), by, what)
    token = _current.set(one)
    try:
        yield one
    finally:
        _current.reset(token)


def taking(script: Taking, names: Sequence[str], args: Sequence[Any] = (), to: str = "") -> Command:
    """Return the command that runs *script*; within :func:`undoable` what it takes is kept."""
    act = _current.get()
    return script(names, args) if act is None else act.keeping(script, names, args, to)
