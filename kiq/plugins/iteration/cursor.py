"""Cursors as JSON text: what is written comes back equal, or is refused.

JSON has no words for some values: they are written as an object with one key, ``{"~date": "…"}``.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from ...errors import PayloadError

#: Bytes that a cursor may have as JSON: it says where to go on, and holds no data.
LONGEST = 64 * 1024
_DEEPEST = 20

#: In this order: a datetime is a date as well.
_WRITERS: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    (datetime, "~datetime", datetime.isoformat),
    (date, "~date", date.isoformat),
    (time, "~time", time.isoformat),
    (Decimal, "~decimal", Decimal.__str__),
    (UUID, "~uuid", str),
    (bytes, "~bytes", lambda value: base64.b64encode(value).decode()),
)
_READERS: dict[str, Callable[[Any], Any]] = {
    "~datetime": datetime.fromisoformat,
    "~date": date.fromisoformat,
    "~time": time.fromisoformat,
    "~decimal": Decimal,
    "~uuid": UUID,
    "~bytes": lambda text: base64.b64decode(text, validate=True),
    "~tuple": tuple,
}


def write_cursor(cursor: Any) -> str:
    """Return *cursor* as JSON. Raises PayloadError for what would not come back equal."""
    plain = _plain(cursor, _DEEPEST)
    try:
        text = json.dumps(plain, ensure_ascii=True, allow_nan=False)
    except ValueError as error:  # an int of thousands of digits
        raise PayloadError(f"a cursor can't be written as JSON: {error}") from error
    if len(text) > LONGEST:
        raise PayloadError(
            f"a cursor of {len(text)} bytes, limit {LONGEST}: it says where to go on; keep data elsewhere"
        )
    return text


def read_cursor(text: str | bytes | None) -> Any:
    """Return the cursor that *text* holds; None for no text. Raises PayloadError for what is none."""
    if text is None:
        return None
    try:
        return json.loads(text, object_hook=_read_object)
    except (ValueError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
        shown = repr(text[:100])
        raise PayloadError(f"{shown} is no cursor: {type(error).__name__}: {error}") from error


def _plain(value: Any, room: int) -> Any:
    if not room:
        raise PayloadError(f"a cursor nests deeper than {_DEEPEST} levels")
    if value is None or type(value) in (bool, str, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    for kind, name, write in _WRITERS:
        if isinstance(value, kind):
            return {name: write(value)}
    if isinstance(value, list):
        return [_plain(each, room - 1) for each in value]
    if isinstance(value, tuple):
        return {"~tuple": [_plain(each, room - 1) for each in value]}
    if isinstance(value, dict):
        return {_key(key): _plain(each, room - 1) for key, each in value.items()}
    raise PayloadError(
        f"{value!r:.100} ({type(value).__qualname__}) can't be in a cursor: it may hold None, bool, "
        "int, float, str, bytes, dates and times, Decimal, UUID, and lists, tuples and dicts of them"
    )


def _key(key: Any) -> str:
    if type(key) is str and not key.startswith("~"):
        return key
    raise PayloadError(
        f"{key!r:.100} can't be a key in a cursor: strings that don't begin with ~ can"
    )


def _read_object(found: dict[str, Any]) -> Any:
    if len(found) != 1:
        return found
    ((key, value),) = found.items()
    return _READERS[key](value) if key in _READERS else found
