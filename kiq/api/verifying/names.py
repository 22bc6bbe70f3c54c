"""The keys of kiq that are there, by what they are; those of a type that they can't have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ... import keys
from ...errors import StoreDenied, StoreError
from ..home import Connection
from .finding import Finding, Suspicion

_PAGE = 1000
_ASIDE = "kiq:set-aside:"
#: What type a key has, by its name; the first that fits counts.
_TYPES = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"queue:.+", "list"),
        (r"queues|paused|processes|kiq:owners|kiq:duties|kiq:idle:.*", "set"),
        (r"retry|schedule|dead|kiq:pushed|kiq:cancelled|kiq:iterations", "zset"),
        (r"kiq:(suspects|markers|dead-reason|inflight:.+|owner:.+|lapsed:.+)", "hash"),
        (r"kiq:heard:.+", "list"),
        (r"stat:(processed|failed)(:\d{4}-\d\d-\d\d)?|kiq:id|kiq:poller|kiq:reclaimer", "string"),
        (r"it-[0-9a-f]{24}", "hash"),
    )
)


@dataclass(slots=True)
class Names:
    """The names of queues with jobs, of in-flight hashes, and of owners with a record."""

    queues: list[str] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    lapsed: list[str] = field(default_factory=list)
    looked_at: int = 0
    unknown: list[str] = field(default_factory=list)
    wrong: list[Suspicion] = field(default_factory=list)


def names_of(home: Connection) -> Names:
    """Read all names of the database, a thousand for two round trips. Raises StoreError."""
    found, seen = Names(), set[str]()
    for page in _pages(home, found):
        known = [(key, kind) for key in page if key not in seen and (kind := type_of(key))]
        types = home.replies([("TYPE", key) for key, _ in known]) if known else []
        for (key, kind), reply in zip(known, types, strict=True):
            found.looked_at += 1
            there = "" if isinstance(reply, StoreError) else reply.decode()
            if there not in ("", "none", kind):
                found.wrong.append(_misplaced(home, key, kind, there))
            elif there == kind:
                _sort_in(found, key, seen)
    return found


def type_of(key: str) -> str:
    """Return the type that the key must have; "" for a key that is not kiq's, or may have any."""
    return next((kind for pattern, kind in _TYPES if pattern.fullmatch(key)), "")


def _pages(home: Connection, found: Names) -> Iterator[list[str]]:
    cursor = b"0"
    while True:
        try:
            cursor, page = home.call(("SCAN", cursor, "COUNT", _PAGE))
        except StoreDenied:
            found.unknown.append(
                "SCAN is refused: keys of wrong types, unlisted queues, lost owners"
            )
            yield [keys.queue(name.decode()) for name in home.call(("SMEMBERS", keys.QUEUES))]
            return
        yield [name.decode(errors="replace") for name in page]
        if cursor == b"0":
            return


def _sort_in(found: Names, key: str, seen: set[str]) -> None:
    for prefix, where in (
        (keys.queue(""), found.queues),
        ("kiq:inflight:", found.in_flight),
        (keys.record(""), found.records),
        (keys.lapsed(""), found.lapsed),
    ):
        if key.startswith(prefix):
            seen.add(key)  # SCAN may tell a name twice
            where.append(key if where is found.in_flight else key[len(prefix) :])


def _misplaced(home: Connection, key: str, kind: str, there: str) -> Suspicion:
    aside = f"{_ASIDE}{key}"

    def mend() -> str:
        return f"renamed to {aside}" if home.call(("RENAMENX", key, aside)) else ""

    what = f"it is a {there}, and must be a {kind}"
    do = "something else wrote it; look at it under its new name"
    return Suspicion(
        Finding("wrong-type", key, what, do, mendable=True),
        lambda: bool(home.call(("TYPE", key)).decode() == there),
        mend,
    )
