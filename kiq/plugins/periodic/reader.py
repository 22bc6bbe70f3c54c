"""Periodic jobs for people: what is there, what became of ticks, and what can be done by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ...api.home import connection
from ...client import Client, process_client
from ...clock import wall
from ...errors import ConfigError
from ...keys import bell
from ...pushing import prepared
from ...store.scripts import Command
from ..declared.periodic import defined
from ..declared.periodic_entry import Definition, read
from . import keys
from .pieces import NAME, by_hand, put


@dataclass(frozen=True, slots=True)
class Tick:
    """What became of one tick, all times epoch seconds.

    *what* is run, by_hand, missed, merged (with the next, as the last run was not over), skipped, vetoed,
    declined or clock; *jid* the job that it has, or that stood in its way; *count* how many ticks it stands
    for, from *tick* on. *outcome* is how the job went: done, failed (it will be tried again), dead,
    dropped, deleted; "" while it is not known.
    """

    tick: float
    decided_at: float
    what: str
    jid: str = ""
    count: int = 1
    outcome: str = ""
    ended_at: float | None = None

    @property
    def lateness(self) -> float:
        """Seconds from the tick to the push of its job."""
        return max(0.0, self.decided_at - self.tick)


class PeriodicJob:
    """One entry, as it was when it was read; its methods act on what is there."""

    def __init__(
        self, client: Any, name: str, text: bytes, next_at: Any, paused: bytes | None
    ) -> None:
        self._client = client
        self._home = connection(client)
        self.name = name
        self.text = text
        #: Epoch seconds of the tick that is next to be decided; None where there is none.
        self.next_at: float | None = None if next_at is None else float(next_at)
        #: Whether it is paused; when, and by whom.
        self.paused = paused is not None
        when, _, self.paused_by = (paused or b"").decode(errors="replace").partition(" ")
        self.paused_at = float(when) if when.replace(".", "").isdecimal() else None
        #: Why the entry can't be read, or "".
        self.problem = ""
        self.definition: Definition | None = None
        try:
            self.definition = read(name, text)
        except ValueError as error:
            self.problem = str(error)

    def __repr__(self) -> str:
        return f"<PeriodicJob {self.name}>"

    def next(self, count: int = 5, after: float | None = None) -> list[int]:
        """Return the next *count* ticks, in epoch seconds; none while it is not enabled."""
        if self.definition is None or not self.definition.enabled:
            return []
        since = wall() if after is None else after
        return list(islice(self.definition.rule.between(since, float("inf")), count))

    def history(self, limit: int = keys.KEPT) -> list[Tick]:
        """Return what became of the last ticks, the newest first. One round trip."""
        return _ticks(*self._home.exchange(_telling(self.name, limit)))

    def pause(self, who: str = "") -> bool:
        """Have no ticks from now on; False if it was paused already. One round trip."""
        command = ("HSETNX", keys.PAUSED, self.name, f"{wall():.3f} {who}")
        return bool(self._home.exchange([command, _ring()])[0])

    def resume(self) -> bool:
        """Have ticks again; what was not run meanwhile is not made up for. False if it was not paused."""
        return bool(self._home.exchange([("HDEL", keys.PAUSED, self.name), _ring()])[0])

    def run(self) -> str | None:
        """Push its job now, whatever its plan, which stays as it is; return the jid (None: vetoed).

        Two round trips. Raises ConfigError where the set was made of something else than a
        ``kiq.Client``, or nothing; what a push raises.
        """
        if self.definition is None:
            raise ConfigError(f"periodic job {self.name!r} can't be read: {self.problem}")
        client = process_client() if self._client is None else self._client
        if not isinstance(client, Client):
            raise ConfigError("run pushes a job: make the set of a kiq.Client, PeriodicSet(client)")
        payload, spec = prepared({**self.definition.payload, NAME: self.name})
        jid = client.push(payload, spec.cls if spec else None)
        if jid is not None:
            self._home.call(by_hand(self.name, jid))
        return jid

    def remove(self) -> bool:
        """Take the entry out; False if it was not there. One round trip.

        What a file or code has comes back while a process runs that has it: pause that.
        """
        name = self.name
        gone = self._home.exchange(
            [
                ("HDEL", keys.ENTRIES, name),
                ("ZREM", keys.DUE, name),
                ("HDEL", keys.PAUSED, name),
                ("HDEL", keys.LATEST, name),
                ("HDEL", keys.WAITING, name),
                ("DEL", keys.history(name), keys.outcomes(name)),
                _ring(),
            ]
        )
        return bool(gone[0])


class PeriodicSet:
    """All periodic jobs. *client* as for :func:`kiq.api.connection`; to run some, a ``kiq.Client``."""

    def __init__(self, client: Any = None) -> None:
        self._client = client
        self._home = connection(client)

    def __iter__(self) -> Iterator[PeriodicJob]:
        """Yield every entry, by name. One round trip."""
        flat, due, paused = self._home.exchange(
            [
                ("HGETALL", keys.ENTRIES),
                ("ZRANGE", keys.DUE, 0, -1, "WITHSCORES"),
                ("HGETALL", keys.PAUSED),
            ]
        )
        entries, cursors, pauses = (_pairs(each) for each in (flat, due, paused))
        for name in sorted(entries):
            yield PeriodicJob(
                *(self._client, name.decode(errors="replace"), entries[name]),
                *(cursors.get(name), pauses.get(name)),
            )

    def get(self, name: str) -> PeriodicJob | None:
        """Return the entry *name*, or None. One round trip."""
        text, cursor, paused = self._home.exchange(
            [
                ("HGET", keys.ENTRIES, name),
                ("ZSCORE", keys.DUE, name),
                ("HGET", keys.PAUSED, name),
            ]
        )
        return None if text is None else PeriodicJob(self._client, name, text, cursor, paused)

    def histories(self, names: Sequence[str], limit: int = keys.KEPT) -> dict[str, list[Tick]]:
        """Return, by name, what :meth:`PeriodicJob.history` does. One round trip for all of them."""
        commands = [command for name in names for command in _telling(name, limit)]
        replies = self._home.exchange(commands) if commands else []
        pairs = zip(replies[::2], replies[1::2], strict=True)
        return {name: _ticks(*pair) for name, pair in zip(names, pairs, strict=True)}

    def add(self, name: str, job: Any, *, replace: bool = False, **written: Any) -> PeriodicJob:
        """Add an entry, or *replace* the one of that name, from now on; return it.

        *job* is a job class, a function job, or a name; *written* what a file may say: ``cron`` or
        ``every``, ``timezone``, ``args`` and so on. The same entry once more changes nothing; another rule
        begins from now. Three round trips. Raises ConfigError for what is wrong, for a name that is taken,
        and for an entry of a file or of code, which would come back as it was.
        """
        new = defined(name, job, written)
        before = self.get(name)
        if before is not None:
            origin = before.definition.origin if before.definition else "api"
            if origin != "api":
                raise ConfigError(
                    f"periodic job {name!r} is in {_PLACES.get(origin, origin)}: change it there"
                )
            if not replace and before.text.decode(errors="replace") != new.text():
                raise ConfigError(f"there is a periodic job {name!r}; replace=True takes its place")
        following = new.after(wall())
        text = new.text()
        if not self._home.call(put(name, text, following, before.text if before else "")):
            raise ConfigError(f"periodic job {name!r} has just been changed by somebody else")
        found = self.get(name)
        return found or PeriodicJob(self._client, name, text.encode(), following, None)


_PLACES = {"file": "a configuration file", "code": "code"}


def _ring() -> tuple[Any, ...]:
    return ("PUBLISH", bell(keys.BELL), "1")


def _telling(name: str, limit: int) -> list[Command]:
    return [("LRANGE", keys.history(name), 0, limit - 1), ("HGETALL", keys.outcomes(name))]


def _ticks(lines: list[bytes], flat: list[bytes]) -> list[Tick]:
    ends = {jid.decode(): end.decode() for jid, end in zip(flat[::2], flat[1::2], strict=True)}
    return [tick for line in lines if (tick := _tick(line.decode(errors="replace"), ends))]


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _tick(line: str, ends: dict[str, str]) -> Tick | None:
    parts = line.split(" ")
    try:
        tick, at, what, more = float(parts[0]), float(parts[1]), parts[2], parts[3]
    except (IndexError, ValueError):
        return None  # another program wrote it
    if what in ("missed", "merged"):
        return Tick(tick, at, what, count=int(more) if more.isdecimal() else 1)
    outcome, _, ended = (
        ends.get(more, "").partition(" ") if what in ("run", "by_hand") else ("", "", "")
    )
    return Tick(
        tick, at, what, "" if more == "-" else more, 1, outcome, float(ended) if ended else None
    )
