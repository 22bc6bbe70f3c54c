"""Every job, wherever it is, page by page: what lies there, and where that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from ... import keys
from ...errors import StoreError
from .. import scripts
from ..home import Connection
from ..set_pages import LOOKED_AT, PAGE_BYTES
from .names import Names

_ANCHORS = 5
_FIELDS = 100
_SETS = (keys.RETRY, keys.SCHEDULE)


class Place(NamedTuple):
    """A job at *key*: *member* is its bytes there, in a hash *delivery* is its field."""

    key: str
    kind: Literal["list", "zset", "hash"]
    member: bytes
    delivery: str = ""
    score: bytes = b""

    @property
    def raw(self) -> bytes:
        """The payload: without the score of a claim from a sorted set."""
        claimed = self.kind == "hash" and not self.key.startswith("kiq:inflight:{queue:")
        return self.member.partition(b"|")[2] if claimed else self.member

    def __str__(self) -> str:
        """Return how people are told."""
        found = keys.source_and_owner(self.key)
        return f"in flight at {found[1]} from {found[0]}" if found else f"in {self.key}"


def places(home: Connection, names: Names, *, upstream: bool = False) -> Iterator[Place]:
    """Yield the place of every job: a round trip for a thousand, or a megabyte.

    A job that moves on meanwhile is met once at most, where it came to; *upstream*: once at least, as a
    rule. One that stays is met, perhaps twice.
    """
    hashes, queues = names.in_flight, [keys.queue(name) for name in names.queues]
    steps = [[keys.DEAD], hashes, queues, list(_SETS)]
    for step in [*steps[::-1], hashes] if upstream else steps:
        for key in step:
            try:
                if key in (keys.DEAD, *_SETS):
                    yield from _of_set(home, key)
                else:
                    yield from _of_hash(home, key) if step is hashes else _of_list(home, key)
            except StoreError as error:
                if "WRONGTYPE" not in str(error):
                    raise  # a key of a wrong type is told elsewhere


def _of_list(home: Connection, key: str) -> Iterator[Place]:
    behind, last = 0, list[bytes]()
    while True:
        anchors: Sequence[bytes] = last[::-1][:: max(1, len(last) // _ANCHORS)]
        command = scripts.queue_page((key,), (behind, LOOKED_AT, PAGE_BYTES, *anchors))
        behind, raws = home.call(command)
        if not raws:
            return
        for raw in raws:
            yield Place(key, "list", raw)
        behind, last = behind + len(raws), raws


def _of_set(home: Connection, key: str) -> Iterator[Place]:
    place: tuple[bytes, ...] = ()
    while True:
        arguments = ("up", LOOKED_AT, PAGE_BYTES, LOOKED_AT, b"", 0, "inf", *place)
        looked_at, member, score, found = home.call(scripts.set_page((key,), arguments))
        if not looked_at:
            return
        for raw, at in zip(found[::2], found[1::2], strict=True):
            yield Place(key, "zset", raw, score=at)
        place = (score, member)


def _of_hash(home: Connection, key: str) -> Iterator[Place]:
    cursor = b"0"
    while True:
        cursor, pairs = home.call(("HSCAN", key, cursor, "COUNT", _FIELDS))
        for field, value in zip(pairs[::2], pairs[1::2], strict=True):
            yield Place(key, "hash", value, field.decode(errors="replace"))
        if cursor == b"0":
            return
