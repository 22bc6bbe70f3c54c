"""Payloads of one job class, written quickly: what all of them share is written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..priority import list_of
from .check import LEAVES, MAX_DEPTH, list_fits
from .coding import encode, json_text, write_msgpack
from .types import Codec

_BLANK = {"args": [], "jid": "", "created_at": 0, "enqueued_at": 0}
_ANY, _PLAIN = LEAVES["msgpack"], LEAVES["json"]


class Stencil:
    """A payload with blanks: arguments, jid and time stamps. This one is in MessagePack.

    Threads: any.
    """

    codec: ClassVar[Codec] = "msgpack"
    #: What a payload with blanks ends with, after the key of its arguments.
    end: ClassVar[bytes] = b"\x90\xa3jid\xa0\xaacreated_at\x00\xabenqueued_at\x00"
    __slots__ = ("_head", "queue")  # the name of the list

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        """*options* are those of the class and the push. Raises ArgumentError as `encode` does."""
        self.queue = list_of(options)
        self._head = encode({**options, "class": name, **_BLANK}, self.codec).removesuffix(self.end)

    def filled(self, args: Sequence[Any], jid: bytes, end: bytes) -> bytes | None:
        """Return the payload of a job, the very bytes that `encode` makes; *end* is by `made_at`.

        None where `encode` must have a look: at arguments that can't travel, or change on the way.
        """
        if not _ANY.issuperset(map(type, args)) and not list_fits(args, _ANY, MAX_DEPTH - 1):
            return None
        try:
            packed = write_msgpack([*args])
        except Exception:  # noqa: BLE001 (a tzinfo, say, may raise anything)
            return None
        return b"%b%b\xa3jid\xb8%b%b" % (self._head, packed, jid, end)

    @staticmethod
    def made_at(now: int) -> bytes:
        """Return how payloads end that are made and enqueued *now* (milliseconds)."""
        stamp = now.to_bytes(8, "big")
        return b"\xaacreated_at\xcf%b\xabenqueued_at\xcf%b" % (stamp, stamp)


class JsonStencil(Stencil):
    """A payload in JSON with blanks."""

    codec = "json"
    end = b'[],"jid":"","created_at":0,"enqueued_at":0}'
    __slots__ = ()

    def filled(self, args: Sequence[Any], jid: bytes, end: bytes) -> bytes | None:
        """Return the payload of a job; see :meth:`Stencil.filled`."""
        if not _PLAIN.issuperset(map(type, args)) and not list_fits(args, _PLAIN, MAX_DEPTH - 1):
            return None
        try:
            written = json_text([*args]).encode()
        except Exception:  # noqa: BLE001 (no number, half a character: `encode` says which)
            return None
        return b'%b%b,"jid":"%b%b' % (self._head, written, jid, end)

    @staticmethod
    def made_at(now: int) -> bytes:
        """Return how payloads end that are made and enqueued *now* (milliseconds)."""
        return b'","created_at":%d,"enqueued_at":%d}' % (now, now)


STENCILS: Mapping[Codec, type[Stencil]] = {"msgpack": Stencil, "json": JsonStencil}
