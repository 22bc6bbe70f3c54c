"""Why a job that a process has taken does not run; or that it runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from ... import keys
from ...clock import wall
from ...wording import counted, duration, visible
from .. import shown
from ..explaining import Reason
from ..finding import Found
from ..home import Connection
from ..process_set import Process
from . import waiting

_UNTIL_RECLAIMED = 15.0  # seconds from the end of a lease until the jobs are given back, about


def reasons(home: Connection, found: Found, everyone: Sequence[Process]) -> Iterator[Reason]:
    """Yield what keeps *found* in the hands of its process, and whether that lives. Some round trips."""
    process = next((one for one in everyone if one.identity == found.process), None)
    name = visible(found.process or "?")
    facts = _facts(home, found.owner) if found.owner else None
    if facts is not None and facts.lapsed:
        yield _dead(f"its process {name} was declared dead: its jobs are given back")
    elif process is not None and process.is_dead:
        yield _dead(f"its process {name} is dead: its jobs are given back in a moment", everyone)
    elif facts is not None and (process is None or process.is_silent):
        yield from _silent(found, process, facts)
    elif process is not None and process.is_silent:
        yield Reason("silent", f"its process {name} gives no sign of life", "kiq ps")
    elif found.where == "running":
        yield Reason("running", f"it runs, at {name}", "kiq ps --jobs", stops=False)
    else:
        yield from _not_started(home, found, process)


class _Facts:
    """What the record of an owner says: when it beat last, for how long that counts, and the time."""

    def __init__(self, values: Sequence[bytes | None], lapsed: bool, now: float) -> None:
        self.beat, self.lease = (shown.number((v or b"").decode(errors="replace")) for v in values)
        self.lapsed = lapsed
        self.now = now

    @property
    def silence(self) -> float:
        """Seconds since its last beat, by Redis's clock."""
        return max(0.0, self.now - self.beat)


def _facts(home: Connection, owner: str) -> _Facts | None:
    record, lapsed, time = home.exchange(
        (
            ("HMGET", keys.record(owner), "beat", "lease"),
            ("EXISTS", keys.lapsed(owner)),
            ("TIME",),
        )
    )
    if record[0] is None and not lapsed:
        return None
    return _Facts(record, bool(lapsed), int(time[0]) + int(time[1]) / 1e6)


def _dead(text: str, everyone: Sequence[Process] = ()) -> Reason:
    lives = any(not one.is_dead and not one.is_silent and one.is_kiq for one in everyone)
    alone = bool(everyone) and not lives
    more = "; no other process is there to do it" if alone else ""
    return Reason("dead_process", text + more, "kiq run" if alone else "kiq ps")


def _silent(found: Found, process: Process | None, facts: _Facts) -> Iterator[Reason]:
    name = visible(found.process or "?")
    ends = facts.lease - facts.silence
    if process is None and ends > 0:
        text = f"its process {name} does not show itself any more, and still has its lease"
        yield Reason("silent", text, "kiq ps", until=wall() + ends + _UNTIL_RECLAIMED)
        return
    silence = max(facts.silence, process.silence if process is not None else 0.0)
    text = (
        f"its process {name} gives no sign of life for {duration(silence)}; it is declared dead, and "
        "its jobs run again"
    )
    until = max(wall(), wall() + ends + _UNTIL_RECLAIMED)
    yield Reason("silent", text, "kiq ps", until=until)


def _not_started(home: Connection, found: Found, process: Process | None) -> Iterator[Reason]:
    name = visible(found.process or "?")
    if found.where == "promoting":
        yield Reason("promoting", f"{name} is moving it to its queue", stops=False)
        return
    yield from waiting.suspect(home, found)
    if process is None:
        yield Reason("fetched", f"{name} has taken it, and has not shown itself yet", stops=False)
        return
    owner = next((one for one in process.owners or () if one.name == found.owner), None)
    places = process.places_of(owner) if owner is not None else process.concurrency
    text = (
        f"{name} has taken it: it runs when one of {counted(places, 'place')} is free, or goes back"
    )
    command = f"kiq dump {shlex.quote(found.process)}" if found.process else ""
    yield Reason("fetched", text, command, stops=False)
