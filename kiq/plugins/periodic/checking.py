"""What ``kiq verify`` looks at: entries that are not as they must be, and runs that are nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...plugin import Check, Doubt
from ...plugin import Survey as Asked
from ..declared.periodic_entry import read
from . import keys
from .pieces import forget, free, revive

_LATE = 120  # seconds: who takes over begins at a tick in ten
_AWAY = 3600  # seconds without a process of an application


def check() -> Check:
    """Return the check."""
    return Check("periodic", _look)


def _look(survey: Asked) -> Iterator[Doubt]:
    now = int(survey.call(("TIME",))[0])
    due = _pairs(survey.call(("ZRANGE", keys.DUE, 0, -1, "WITHSCORES")))
    entries, paused, latest, seen = (
        _pairs(survey.call(("HGETALL", key)))
        for key in (keys.ENTRIES, keys.PAUSED, keys.LATEST, keys.SETS)
    )
    for name in due.keys() - entries.keys():
        what = "has a tick that is due, and is no more"
        yield Doubt(_called(name), what, forget(name.decode(errors="replace")))
    for name, text in entries.items():
        yield from _of_entry(name, text, due.get(name), now, seen)
        late = name in due and int(float(due[name])) < now - _LATE
        if late and name not in paused and name not in latest:
            do = "start a worker that has periodic jobs; kiq ps says whose duty periodic is"
            yield Doubt(_called(name), "is due, and nobody ticks", do=do)
    for name, run in latest.items():
        jid = run.split(b" ")[0].decode(errors="replace")
        if not survey.knows(jid):
            what = (
                f"its last run, job {jid}, is nowhere: with overlap skip or queue it is waited for"
            )
            yield Doubt(_called(name), what, free(name.decode(errors="replace"), run))


def _of_entry(
    name: bytes, text: bytes, score: bytes | None, now: int, seen: dict[bytes, bytes]
) -> Iterator[Doubt]:
    called = name.decode(errors="replace")
    try:
        entry = read(called, text)
    except ValueError as error:
        what = f"can't be read here ({error})"
        yield Doubt(_called(name), what, do=f"kiq periodic remove {called}, or deploy it again")
        return
    at = seen.get(entry.app.encode(), b"").split(b" ")[1:2]
    if entry.origin != "api" and at and at[0].isdigit() and int(at[0]) < now - _AWAY:
        what = f"no process of its application {entry.app} was seen in the last hour; it ticks all the same"
        do = f"if that application is no more: kiq periodic remove {called}"
        yield Doubt(_called(name), what, do=do)
    following = entry.after(now)
    if score is None and following is not None:
        yield Doubt(_called(name), "has no next tick", revive(called, text, following))


def _called(name: bytes) -> str:
    return f"periodic job {name.decode(errors='replace')}"


def _pairs(flat: list[Any]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
