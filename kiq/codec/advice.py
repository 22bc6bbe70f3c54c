"""What to tell people whose argument can't travel: what is wrong, and what to pass instead."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Number
from typing import Any
from uuid import UUID

from .types import EXTENSION_TYPES, Codec, pack_extension

#: What is wrong, what to do about it.
Advice = tuple[str, str]

_BY_ISOFORMAT = "pass value.isoformat()"
_BY_STR = "pass str(value)"
_BY_LIST = "pass a list, such as list(value)"
_BY_NONE = "pass None"
_AS_PLAIN = "pass its id and load it in the job, or a dict of plain values"

_JSON_LACKS: tuple[tuple[type, str, str], ...] = (
    (bytes, "bytes", "pass base64.b64encode(value).decode()"),
    (datetime, "a datetime", _BY_ISOFORMAT),
    (date, "a date", _BY_ISOFORMAT),
    (UUID, "a UUID", _BY_STR),
    (Decimal, "a Decimal", _BY_STR),
)

#: Classes whose one member stands for a value that is not there: of pandas and numpy.
_ABSENT = frozenset({"NaTType", "NAType", "MaskedConstant"})

# In this order: the first that fits speaks, so the narrow ones come before the wide ones.
_REFUSED: tuple[tuple[type | tuple[type, ...], str], ...] = (
    # Those that kiq carries: what comes here only says that it is one, such as a proxy.
    (datetime, "pass a plain one, such as datetime.fromisoformat(value.isoformat())"),
    (date, "pass a plain one, such as date.fromisoformat(value.isoformat())"),
    (int, "pass a plain int, such as int(value)"),
    (float, "pass a plain float, such as float(value)"),
    (complex, "pass [value.real, value.imag]"),
    ((UUID, Decimal, Number), _BY_STR),
    (timedelta, "pass seconds, such as value.total_seconds()"),
    (time, "pass seconds since midnight, or value.isoformat()"),
    (tuple, "pass a list, such as list(value); it would come back as one"),
    ((set, frozenset), "pass a list, such as sorted(value)"),
    ((bytearray, memoryview), "pass bytes(value)"),
    (bytes, "pass plain bytes, such as bytes(value)"),
    (str, "pass a plain str, such as str.__str__(value)"),
    (list, "pass a plain list, such as list(value)"),
    (os.PathLike, _BY_STR),
    (BaseException, "pass str(value), or the name of its class"),
    (Coroutine, "await it and pass the result"),
    (Mapping, "pass a plain dict, such as dict(value)"),
    (Iterator, _BY_LIST),
)


def trouble_with(value: Any, codec: Codec) -> Advice | None:
    """Return why *value*, which is neither a list nor a dict, can't travel; None if it can."""
    try:
        check = _CHECKS.get(type(value))
        if check is not None:
            return check(value, codec)
        if issubclass(type(value), EXTENSION_TYPES):  # isinstance would believe a proxy
            return _extension(value, codec)
        return _stranger(value)
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


def _stranger(value: Any) -> Advice:
    kind = type(value)
    what = f"a value of type {kind.__qualname__} can't travel"
    if kind.__name__ in _ABSENT:
        return what, _BY_NONE
    # numpy and its kin, before the table: numpy.float64 is a float, numpy.str_ a str
    if hasattr(value, "dtype") and (hasattr(value, "item") or hasattr(value, "tolist")):
        return what, _instead_of_array(value)
    if not issubclass(kind, str) and callable(getattr(value, "casefold", None)):
        return what, _BY_STR  # a text that is translated, or made, when it is wanted
    for kinds, instead in _REFUSED:
        if isinstance(value, kinds):
            return what, instead
    return what, _instead_of_object(value)


def _instead_of_array(value: Any) -> str:
    """Return what keeps the value of a scalar or an array: item() and tolist() do not always."""
    whole, dtype = not getattr(value, "shape", ()), getattr(value.dtype, "kind", "")
    match dtype:
        case "M":  # moments, which may come out as a number of nanoseconds
            return _BY_STR if whole else "pass value.astype(str).tolist()"
        case "m":
            seconds = "value / numpy.timedelta64(1, 's')"
            return (
                f"pass seconds, such as float({seconds})" if whole else f"pass ({seconds}).tolist()"
            )
        case "c":
            return "pass [value.real.tolist(), value.imag.tolist()]"
        case "V":
            return (
                "pass list(value.item())" if whole else "pass [list(row) for row in value.tolist()]"
            )
        case "f" if whole and dtype and value.dtype.itemsize > 8:
            return "pass float(value)"
    return "pass value.item()" if whole else "pass value.tolist()"


def _instead_of_object(value: Any) -> str:
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        return "pass its id, or a dict, such as dataclasses.asdict(value)"
    if hasattr(kind, "model_dump"):  # pydantic
        return "pass its id, or a dict, such as value.model_dump()"
    if hasattr(kind, "__attrs_attrs__"):
        return "pass its id, or a dict, such as attrs.asdict(value)"
    if isinstance(getattr(value, "datetime", None), datetime):  # arrow
        return "pass value.datetime"
    if kind.__module__ in ("ipaddress", "zoneinfo"):
        return _BY_STR
    if callable(getattr(value, "to_dict", None)) and hasattr(value, "dtypes"):  # a DataFrame
        return "pass value.to_dict('list')"
    if callable(value):
        return "pass a name as str, and let the job look it up"
    if isinstance(value, Collection):
        return _BY_LIST
    return _AS_PLAIN


_CHECKS: dict[type, Callable[[Any, Codec], Advice | None]] = {
    type(None): _nothing,
    bool: _nothing,
    str: _text,
    int: _integer,
    float: _floating,
    bytes: _bytes,
}
