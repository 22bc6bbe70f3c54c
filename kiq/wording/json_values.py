"""What a payload holds, as values that JSON has."""

from __future__ import annotations

import base64
import math
from typing import Any


def plain(value: Any) -> Any:
    """Return *value* with what JSON lacks replaced.

    Bytes become ``{"base64": "..."}``; dates, UUIDs, decimals, NaN and infinities become text. Raises
    RecursionError for what is nested too deeply.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {_key(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode("ascii")}
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else str(value)


def _key(key: Any) -> str:
    return key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)
