"""Limits for people and pages: how full, who is in, who waits, and when there is room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...api.home import connection
from ...api.sifting import Sifted, sift
from ...store.scripts import Command
from . import keys as own
from .asking import leaving, look
from .terms import Held, limits_of

_PAGE = 200


@dataclass(frozen=True, slots=True)
class LimitState:
    """A limit at a moment: *used* of *size*, in *per* seconds (0: at a time).

    *waiting* is how many jobs stand in line, *called* how many have left it and are on their way.
    *room_at* is when there may be room for one that comes now (epoch seconds; None: nobody knows),
    *closed_until* until when it is closed (None: it is not).
    *taken* and *refused* count since it is in use. *id* is its name in Redis.
    """

    id: str
    kind: str
    name: str
    key: str
    size: int
    per: float
    used: float
    waiting: int
    called: int
    room_at: float | None
    closed_until: float | None
    taken: int
    refused: int
    seen_at: float

    @property
    def full(self) -> bool:
        """Whether there is no room now."""
        return self.room_at is None or self.room_at > self.seen_at


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is in a limit: the job *jid* ("" outside of a job), in the process *process*.

    *until* is when a block leaves unless it is renewed (epoch seconds); None for a job: as long as it runs.
    """

    jid: str
    process: str
    queue: str
    until: float | None


class LimitSet:
    """The limits that are in use. *client* as for :func:`kiq.api.connection`. Looks only, but for reset."""

    def __init__(self, client: Any = None) -> None:
        self._home = connection(client)

    @property
    def size(self) -> int:
        """How many there are. One round trip."""
        return int(self._home.call(("ZCARD", own.LIMITS)))

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[LimitState]:
        """Yield them, the last used first; two round trips for 200."""
        first = 0
        while True:
            names = self._home.call(("ZREVRANGE", own.LIMITS, first, first + _PAGE - 1))
            if not names:
                return
            yield from self.states([name.decode() for name in names])
            first += _PAGE

    def page(
        self, begin: str = "", *, text: str | None = None, limit: int = 25
    ) -> Sifted[LimitState]:
        """Return a page of them, with *text* in their id, from the place *begin* on ("": the last used).

        Looks for 0.15 seconds at most, or at one slice: two round trips. Raises ConfigError for no place.
        """

        def meant(names: Sequence[str]) -> list[LimitState | None]:
            wanted = [name for name in names if text is None or text in name]
            states = {one.id: one for one in self.states(wanted)}
            return [states.get(name) for name in names]

        return sift(self._home, own.LIMITS, meant, begin, all_are_meant=text is None, limit=limit)

    def states(self, names: Sequence[str]) -> list[LimitState]:
        """Return the limits of these ids, without those that are not known. One round trip."""
        return self._states([Held(name, "") for name in names])

    def get(self, name: str) -> LimitState | None:
        """Return the limit of the id *name*, or None. One round trip."""
        return next(iter(self.states([name])), None)

    def of_job(self, payload: Mapping[str, Any]) -> list[LimitState]:
        """Return the limits of the job of *payload*. One round trip, none where it has none."""
        return self._states(limits_of(payload))

    def holders(self, name: str, limit: int = 0) -> list[Holder]:
        """Return who is in the limit *name*, *limit* at most (0: all). One round trip.

        Only ``concurrent`` ones and windows know who.
        """
        if name.partition(":")[0] not in ("concurrent", "window"):
            return []
        found = self._home.call(("ZRANGE", own.of(name)[0], 0, limit - 1, "WITHSCORES"))
        pairs = zip(found[::2], found[1::2], strict=True)
        return [_holder(member.decode(errors="replace"), float(score)) for member, score in pairs]

    def waiting(self, name: str, limit: int = 100) -> list[tuple[str, float]]:
        """Return jids of jobs in line, who waits longest first, and since when. One round trip."""
        last = limit - 1 if limit else -1
        found = self._home.call(("ZRANGE", own.of(name)[1], 0, last, "WITHSCORES"))
        pairs = zip(found[::2], found[1::2], strict=True)
        return [(member.decode(errors="replace"), float(score)) for member, score in pairs]

    def place(self, name: str, jid: str) -> int | None:
        """Return how many stand before *jid* in line; None if it does not. One round trip."""
        found = self._home.call(("ZRANK", own.of(name)[1], jid))
        return None if found is None else int(found)

    def reset(self, name: str) -> bool:
        """Open the limit of the id *name*, and forget what was counted; False if it is not known.

        Slots of a ``concurrent`` one stay: they belong to jobs that run. Two round trips.
        """
        if self.get(name) is None:
            return False
        commands: list[Command] = [("HDEL", own.of(name)[-1], "closed", "taken", "refused")]
        if not name.startswith("concurrent:"):
            commands.append(("DEL", own.of(name)[0]))
        self._home.exchange([*commands, leaving([Held(name, "")], "", "", "keep")])
        return True

    def _states(self, limits: Sequence[Held]) -> list[LimitState]:
        replies = self._home.exchange([look(each) for each in limits]) if limits else []
        return [
            _state(each.id, reply)
            for each, reply in zip(limits, replies, strict=True)
            if reply is not None
        ]


def _state(name: str, reply: Sequence[Any]) -> LimitState:
    kind, short, key = name.split(":", 2)
    now, size, per, used, waiting, called, at, closed, taken, refused = reply
    return LimitState(
        *(name, kind, short, key, int(float(size)), float(per), float(used)),
        *(int(waiting), int(called), float(at) if at else None, float(closed) if closed else None),
        *(int(taken), int(refused), float(now)),
    )


def _holder(member: str, until: float) -> Holder:
    token, jid, where = (*member.split("\n"), "", "")[:3]
    if token.startswith("w:"):
        return Holder(jid, where, "", until)
    # An owner is a capsule of a process: its name, and the capsule's.
    process = token.rpartition(" ")[0].rpartition(":")[0]
    return Holder(jid, process, where, None if until == float("inf") else until)
