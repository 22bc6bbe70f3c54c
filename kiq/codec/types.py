"""How MessagePack carries the types that it has no words for: dates, UUIDs, decimals.

Extension codes, for readers in other languages:

====  ========  ==========================================================================
code  type      bytes
====  ========  ==========================================================================
-1    datetime  MessagePack's own timestamp, exact to the microsecond; comes back in UTC
1     date      ``YYYY-MM-DD`` in ASCII
2     UUID      its 16 bytes, most significant first
3     Decimal   its text in ASCII, trailing zeros kept
====  ========  ==========================================================================
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgpack

from ..errors import UndecodablePayload

Codec = Literal["msgpack", "json"]

DATE, UUID_BYTES, DECIMAL = 1, 2, 3

#: Types that MessagePack carries by extension; their subclasses travel as the base type.
EXTENSION_TYPES: tuple[type, ...] = (datetime, date, UUID, Decimal)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC) - _EPOCH
_LAST = datetime.max.replace(tzinfo=UTC) - _EPOCH


def pack_extension(value: Any) -> msgpack.ExtType | msgpack.Timestamp:
    """Return *value* as an extension of MessagePack.

    Raises TypeError for a type that has none, ValueError for a datetime that is no instant in UTC.
    """
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, date):
        text = f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
        return msgpack.ExtType(DATE, text.encode("ascii"))
    if isinstance(value, UUID):
        return msgpack.ExtType(UUID_BYTES, value.bytes)
    if isinstance(value, Decimal):
        return msgpack.ExtType(DECIMAL, Decimal.__str__(value).encode("ascii"))
    raise TypeError(f"{type(value).__qualname__} has no form in MessagePack")


def unpack_extension(code: int, data: bytes) -> Any:
    """Return the value that extension *code* holds (timestamps are read by msgpack itself).

    Raises UndecodablePayload for an unknown code, ValueError or ArithmeticError for bad bytes.
    """
    if code == DATE:
        return date.fromisoformat(str(data, "ascii"))
    if code == UUID_BYTES:
        return UUID(bytes=data)
    if code == DECIMAL:
        return Decimal(str(data, "ascii"))
    raise UndecodablePayload(f"extension type {code} is not one of kiq's")


def _timestamp(value: datetime) -> msgpack.Timestamp:
    offset = value.utcoffset()
    if offset is None:
        raise ValueError("a naive datetime is no instant")
    if getattr(value, "nanosecond", 0):  # pandas: would come back as another instant
        raise ValueError("this datetime is finer than a microsecond")
    # In plain types: the arithmetic of a subclass may be another one, as that of pendulum.
    fields = (value.year, value.month, value.day, value.hour, value.minute, value.second)
    since = datetime(*fields, value.microsecond, UTC) - _EPOCH - offset
    if not _FIRST <= since <= _LAST:
        raise ValueError("this datetime has no year between 1 and 9999 in UTC")
    return msgpack.Timestamp(since // timedelta(seconds=1), since.microseconds * 1000)
