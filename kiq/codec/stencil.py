"""Payloads of one job class, written quickly: what all of them share is written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .check import LEAVES, MAX_DEPTH, list_fits
from .coding import encode, write_msgpack

_LEAVES = LEAVES["msgpack"]
_BLANK = {"args": [], "jid": "", "created_at": 0, "enqueued_at": 0}
#: What a payload with blanks ends with, after the key of its arguments.
_END = b"\x90\xa3jid\xa0\xaacreated_at\x00\xabenqueued_at\x00"


class Stencil:
    """A payload in MessagePack with blanks: arguments, jid and time stamps.

    Threads: any.
    """

    __slots__ = ("_head", "queue")

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        """*options* are those of the class and the push. Raises ArgumentError as `encode` does."""
        self.queue: str = options["queue"]
        self._head = encode({**options, "class": name, **_BLANK}, "msgpack").removesuffix(_END)

    def filled(self, args: Sequence[Any], jid: bytes, end: bytes) -> bytes | None:
        """Return the payload of a job, the very bytes that `encode` makes; *end* is by `made_at`.

        None where `encode` must have a look: at arguments that can't travel, or change on the way.
        """
        if not _LEAVES.issuperset(map(type, args)) and not list_fits(args, _LEAVES, MAX_DEPTH - 1):
            return None
        try:
            packed = write_msgpack([*args])
        except Exception:  # noqa: BLE001 (a tzinfo, say, may raise anything)
            return None
        return b"%b%b\xa3jid\xb8%b%b" % (self._head, packed, jid, end)


def made_at(now: int) -> bytes:
    """Return how payloads end that are made and enqueued *now* (milliseconds)."""
    stamp = now.to_bytes(8, "big")
    return b"\xaacreated_at\xcf%b\xabenqueued_at\xcf%b" % (stamp, stamp)
