"""What the sorted sets, the set of queues and the counters must say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from hashlib import sha1

from ... import keys
from ...errors import StoreError
from ...store.flight import DeadLimits
from .. import moves, scripts
from ..home import Connection
from .finding import Finding, Suspicion
from .names import Names
from .places import Place

_FAR = 100 * 365 * 86_400.0  # seconds from now
_COUNTERS = (keys.STAT_PROCESSED, keys.STAT_FAILED)


def unreadable(home: Connection, place: Place, problem: str, limits: DeadLimits) -> Suspicion:
    """Return that the bytes at *place*, in a set of jobs that wait, are no job."""
    digest = sha1(place.member, usedforsecurity=False).hexdigest()
    reason = f"kiq verify: {problem}"

    def mend() -> str:
        _, *moved = home.call(moves.kill(place.key, [place.member], limits))
        if not moved:
            return ""
        home.call(("HSET", keys.DEAD_REASON, digest, reason))
        return "moved it to the dead set, its bytes as they are"

    return Suspicion(
        Finding("unreadable", f"{place.key} {digest[:12]}", problem, "", mendable=True),
        lambda: home.call(("ZSCORE", place.key, place.member)) is not None,
        mend,
    )


def never_due(home: Connection, place: Place, jid: str, now: float) -> Suspicion | None:
    """Return that the job at *place* has a time that never comes; None if it is one that does."""
    if math.isfinite(score := float(place.score)) and score < now + _FAR:
        return None
    what = f"it is due at {place.score.decode()}, which never comes"
    do = (
        f"give it a time, or delete it: kiq {'retries' if place.key == keys.RETRY else 'scheduled'}"
    )
    return Suspicion(
        Finding("never-due", f"job {jid or '?'} in {place.key}", what, do),
        lambda: home.call(("ZSCORE", place.key, place.member)) == place.score,
    )


def unlisted_queues(home: Connection, names: Names) -> Iterator[Suspicion]:
    """Yield queues with jobs that are not in the set of queues, where people look."""
    listed = {name.decode(errors="replace") for name in home.call(("SMEMBERS", keys.QUEUES))}
    for name in names.queues:
        if name not in listed:
            yield _unlisted(home, name)


def _unlisted(home: Connection, name: str) -> Suspicion:
    places = (keys.queue(name), keys.QUEUES)

    def confirmed() -> bool:
        known, there = home.exchange((("SISMEMBER", keys.QUEUES, name), ("EXISTS", places[0])))
        return bool(there) and not known

    def mend() -> str:
        return "listed it" if home.call(scripts.verify_list(places, (name,))) else ""

    what = f"it has jobs, and is not in the set {keys.QUEUES}: no page and no command shows it"
    return Suspicion(
        Finding("queue-unlisted", f"queue {name}", what, "", mendable=True), confirmed, mend
    )


def counters(home: Connection) -> Iterator[Suspicion]:
    """Yield counters that are no numbers: nothing can be added to them."""
    for key in _COUNTERS:
        try:
            value = home.call(("GET", key))
        except StoreError:
            continue  # of a wrong type: told elsewhere
        if value is not None and not value.isdigit():
            what = f"it is {value[:40]!r}, and must be a number from 0 on"
            do = f"set it to what you know: SET {key} NUMBER"
            yield Suspicion(Finding("counter", key, what, do), _unchanged(home, key, value))


def _unchanged(home: Connection, key: str, value: bytes) -> Callable[[], bool]:
    return lambda: bool(home.call(("GET", key)) == value)
