"""Profiles: the recordings of single runs, and what is known of each."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ...api import shown
from ...api.home import Connection, connection
from ...clock import wall
from ...errors import UndecodablePayload
from . import keys

_FIELDS = ("token", "jid", "type", "started_at", "elapsed", "size", "filename")
_LARGEST = 256 * 1024 * 1024  # bytes of a document that is unpacked
_PAGE = 50


class Profile:
    """One recording; its data is read when it is asked for."""

    def __init__(self, home: Connection, key: str, fields: dict[str, str]) -> None:
        self._home = home
        self.key = key
        self.token = fields["token"]
        self.jid = fields["jid"]
        self.job_class = fields["type"]
        self.filename = fields["filename"]
        self.elapsed = shown.number(fields["elapsed"])  # seconds
        self.size = int(shown.number(fields["size"]))  # bytes, compressed
        self._started_at = shown.number(fields["started_at"])

    def __repr__(self) -> str:
        return f"<Profile {self.key}>"

    @property
    def started_at(self) -> datetime:
        """When the run began. Raises OverflowError or ValueError beyond datetime's years."""
        return datetime.fromtimestamp(self._started_at, UTC)

    def data(self) -> bytes | None:
        """Return the document of the Firefox Profiler, gzipped, as a file of it; None when it is gone.

        One round trip.
        """
        found: bytes | None = self._home.call(("HGET", self.key, "data"))
        return found

    def document(self) -> dict[str, Any] | None:
        """Return the document, unpacked; None when it is gone. Raises UndecodablePayload."""
        data = self.data()
        if data is None:
            return None
        try:
            unpacking = zlib.decompressobj(wbits=31)
            text = unpacking.decompress(data, _LARGEST)
            if unpacking.unconsumed_tail:
                raise UndecodablePayload(f"profile {self.key} has more than {_LARGEST} bytes")
            found: dict[str, Any] = json.loads(text)
            return found
        except (zlib.error, ValueError, RecursionError) as error:
            if isinstance(error, UndecodablePayload):
                raise
            raise UndecodablePayload(f"profile {self.key} can't be unpacked: {error}") from error

    def delete(self) -> bool:
        """Delete the profile; False when it was gone. One round trip."""
        return bool(self._home.exchange([("ZREM", keys.PROFILES, self.key), ("DEL", self.key)])[0])


class ProfileSet:
    """The profiles that are kept, a day each. *client* as for :func:`kiq.api.connection`."""

    def __init__(self, client: Any = None) -> None:
        self._connection = connection(client)

    def __len__(self) -> int:
        return int(self._connection.call(("ZCOUNT", keys.PROFILES, f"({wall()!r}", "+inf")))

    def __bool__(self) -> bool:
        return True  # a set is one, also when it is empty

    def __iter__(self) -> Iterator[Profile]:
        """Yield the profiles that have not expired, the newest first."""
        names = self._connection.call(
            ("ZRANGE", keys.PROFILES, "+inf", f"({wall()!r}", "BYSCORE", "REV")
        )
        for first in range(0, len(names), _PAGE):
            page = names[first : first + _PAGE]
            replies = self._connection.exchange([("HMGET", name, *_FIELDS) for name in page])
            for name, reply in zip(page, replies, strict=True):
                if reply[0] is not None:
                    yield self._profile(name.decode(errors="replace"), reply)

    def find(self, key: str) -> Profile | None:
        """Return the profile ``token-jid``, or None. One round trip."""
        score, reply = self._connection.exchange(
            [("ZSCORE", keys.PROFILES, key), ("HMGET", key, *_FIELDS)]
        )
        return None if score is None or reply[0] is None else self._profile(key, reply)

    def _profile(self, key: str, reply: list[bytes | None]) -> Profile:
        texts = [(value or b"").decode(errors="replace") for value in reply]
        return Profile(self._connection, key, dict(zip(_FIELDS, texts, strict=True)))
