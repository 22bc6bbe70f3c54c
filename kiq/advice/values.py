"""What to pass instead of a value of a type that can't travel."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Coroutine, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Number
from typing import Any
from uuid import UUID

_BY_STR = "pass str(value)"
_BY_LIST = "pass a list, such as list(value)"
_AS_PLAIN = "pass its id and load it in the job, or a dict of plain values"

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


def instead_of(value: Any) -> str:
    """Return what to pass instead of *value*. Raises whatever it raises when looked at."""
    kind = type(value)
    if kind.__name__ in _ABSENT:
        return "pass None"
    # numpy and its kin, before the table: numpy.float64 is a float, numpy.str_ a str
    if hasattr(value, "dtype") and (hasattr(value, "item") or hasattr(value, "tolist")):
        return _instead_of_array(value)
    if not issubclass(kind, str) and callable(getattr(value, "casefold", None)):
        return _BY_STR  # a text that is translated, or made, when it is wanted
    for kinds, instead in _REFUSED:
        if isinstance(value, kinds):
            return instead
    return _instead_of_object(value)


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
