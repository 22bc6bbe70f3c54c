"""How far an iterable job has come: Sidekiq's key ``it-<jid>``, with a few fields more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...api import shown
from ...api.home import connection
from ...clock import wall
from ...errors import PayloadError
from ...keys import iteration as key
from ...store.scripts import Command
from .cursor import read_cursor
from .keys import ENDS, STATE_TTL

_MOST = 2.0**53
_RUN = b"run"  # the run that may write the state; alone it says only that one has begun


@dataclass(slots=True)
class IterationState:
    """The state of one iterable job.

    *executions* counts its runs; *cursor* is where the next one goes on; *runtime* is in seconds, of
    all runs. *items* were done; *position* of *total* is what the percentage is made of (both in the
    unit of the enumerator: items, rows or bytes). *cancelled_at* and *done_at* (all items done) are
    epoch seconds. *finished* names the push whose run came to its end.
    """

    jid: str = ""
    executions: int = 0
    cursor: Any = None
    runtime: float = 0.0
    items: int = 0
    position: float = 0
    total: float | None = None
    cancelled_at: float | None = None
    done_at: float | None = None
    finished: str | None = None

    @classmethod
    def find(cls, jid: str, client: Any = None) -> IterationState | None:
        """Return the state of the job *jid*, or None. One round trip.

        *client* as for :func:`kiq.api.connection`. There is none before a job has run for five seconds,
        and a day after its end. Raises PayloadError where the cursor is unreadable.
        """
        return cls.find_many([jid], client)[0]

    @classmethod
    def find_many(cls, jids: Iterable[str], client: Any = None) -> list[IterationState | None]:
        """Return the state (or None) of each of *jids*. One round trip."""
        wanted = list(jids)
        if not wanted:
            return []
        replies = connection(client).exchange([("HGETALL", key(jid)) for jid in wanted])
        return [
            read_state(jid, reply) if len(reply) > 2 or reply[:1] not in ([], [_RUN]) else None
            for jid, reply in zip(wanted, replies, strict=True)
        ]

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled."""
        return self.cancelled_at is not None

    @property
    def percentage(self) -> float | None:
        """How much of *total* is done, from 0 to 100; None where the total is unknown."""
        if self.total is None:
            return None
        if self.total <= 0:
            return 100.0
        return max(0.0, min(100.0, 100.0 * self.position / self.total))

    @property
    def rate(self) -> float | None:
        """Positions a second, over all runs; None before there is anything to measure."""
        return self.position / self.runtime if self.runtime > 0 and self.position > 0 else None

    @property
    def eta(self) -> float | None:
        """Seconds of running time that are left at that rate; None where that can't be told."""
        if self.total is None or self.rate is None:
            return None
        return max(0.0, self.total - self.position) / self.rate

    def cancel(self, client: Any = None) -> float:
        """Cancel the job; see :func:`cancel_iteration`."""
        self.cancelled_at = cancel_iteration(self.jid, client)
        return self.cancelled_at

    def delete(self, client: Any = None) -> bool:
        """Forget the state: the job begins anew if it runs again. Returns whether there was one."""
        return bool(connection(client).call(("UNLINK", key(self.jid))))


def cancel_iteration(jid: str, client: Any = None) -> float:
    """Cancel the iterable job *jid*; return since when it is cancelled (epoch seconds).

    One round trip. It ends before its next item, or within five seconds in another process; one that
    has not begun ends when it does.
    """
    if not jid or not isinstance(jid, str):
        raise PayloadError(f"a jid is a string, not {jid!r}")
    _, since, _ = connection(client).exchange(cancel_commands(jid))
    return number(since) or wall()


def cancel_commands(jid: str) -> list[Command]:
    """Return the commands that cancel the job *jid*; the second one's reply is since when."""
    name = key(jid)
    return [
        ("HSETNX", name, "cancelled", int(wall())),
        ("HGET", name, "cancelled"),
        ("ZADD", ENDS, round(wall()) + STATE_TTL, name),
    ]


def read_state(jid: str, reply: list[bytes]) -> IterationState:
    """Return the state that HGETALL answered with. Raises PayloadError for an unreadable cursor."""
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    total, cancelled, done = fields.get(b"of"), fields.get(b"cancelled"), fields.get(b"done")
    finished = fields.get(b"fin")
    return IterationState(
        jid=jid,
        executions=int(number(fields.get(b"ex"))),
        cursor=read_cursor(fields.get(b"c")),
        runtime=number(fields.get(b"rt")),
        items=int(number(fields.get(b"n"))),
        position=number(fields.get(b"p")),
        total=None if total is None else number(total),
        cancelled_at=None if cancelled is None else number(cancelled),
        done_at=None if done is None else number(done),
        finished=None if finished is None else finished.decode(errors="replace"),
    )


def number(text: bytes | None) -> float:
    """Read a number; 0 for what is none, or is out of all bounds."""
    found = shown.number(text)
    return found if abs(found) <= _MOST else 0.0
