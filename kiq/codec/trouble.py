"""What keeps a value from travelling, and what to pass instead."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from .types import EXTENSION_TYPES, Codec, pack_extension

#: What is wrong, what to do about it.
Advice = tuple[str, str]

_BY_ISOFORMAT = "pass value.isoformat()"
_BY_STR = "pass str(value)"
_BY_NONE = "pass None"
_AS_PLAIN = "pass its id and load it in the job, or a dict of plain values"

_JSON_LACKS: tuple[tuple[type, str, str], ...] = (
    (bytes, "bytes", "pass base64.b64encode(value).decode()"),
    (datetime, "a datetime", _BY_ISOFORMAT),
    (date, "a date", _BY_ISOFORMAT),
    (UUID, "a UUID", _BY_STR),
    (Decimal, "a Decimal", _BY_STR),
)


def trouble_with(value: Any, codec: Codec) -> Advice | None:
    """Return why *value*, which is neither a list nor a dict, can't travel; None if it can."""
    try:
        check = _CHECKS.get(type(value))
        if check is not None:
            return check(value, codec)
        if issubclass(type(value), EXTENSION_TYPES):  # isinstance would believe a proxy
            return _extension(value, codec)
        what = f"a value of type {type(value).__qualname__} can't travel"
        # By name: who passes what can travel does without.
        return what, importlib.import_module("kiq.advice.values").instead_of(value)
    except Exception as error:  # noqa: BLE001 (it is not ours, whatever it raises when looked at)
        what = f"a value of type {type(value).__qualname__} can't travel: looking at it raised "
        return f"{what}{type(error).__name__}", _AS_PLAIN


def _nothing(_value: Any, _codec: Codec) -> None:
    return None


def _text(value: str, _codec: Codec) -> Advice | None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return "a str with a lone surrogate can't travel", "pass valid Unicode, or bytes"
    return None


def _integer(value: int, codec: Codec) -> Advice | None:
    if codec == "msgpack":
        if -(2**63) <= value < 2**64:
            return None
        return "an int outside -2**63 to 2**64-1 can't travel in MessagePack", _BY_STR
    try:
        str(value)
    except ValueError:  # Python's own limit, which would also stop the reader
        return "an int of that many digits can't travel", "pass hex(value)"
    return None


def _floating(value: float, codec: Codec) -> Advice | None:
    if codec == "msgpack" or math.isfinite(value):
        return None
    return "NaN or an infinity can't travel in JSON", "pass None, or a str that the job understands"


def _bytes(value: bytes, codec: Codec) -> Advice | None:
    return None if codec == "msgpack" else _lacking_in_json(value)


def _extension(value: Any, codec: Codec) -> Advice | None:
    if value != value:  # pandas.NaT
        return f"{value!r}, which is no moment, can't travel", _BY_NONE
    if isinstance(value, datetime) and value.utcoffset() is None:
        instead = "pass an aware one, such as datetime.now(timezone.utc)"
        return "a naive datetime can't travel", instead
    if codec == "json":
        return _lacking_in_json(value)
    try:
        pack_extension(value)
    except ValueError as error:
        return f"{error}, so it can't travel", _BY_ISOFORMAT
    return None


def _lacking_in_json(value: Any) -> Advice:
    what, instead = next((what, how) for kind, what, how in _JSON_LACKS if isinstance(value, kind))
    return f"{what} can't travel in JSON", f"{instead}, or use the msgpack codec"


_CHECKS: dict[type, Callable[[Any, Codec], Advice | None]] = {
    type(None): _nothing,
    bool: _nothing,
    str: _text,
    int: _integer,
    float: _floating,
    bytes: _bytes,
}
