"""How a running job is shown: Sidekiq's UI wants its payload as JSON text, whatever its codec."""

from __future__ import annotations

import json
import math
from typing import Any

from ..codec import decode
from ..errors import UndecodablePayload


def as_json_text(raw: bytes) -> str:
    """Return the payload in *raw* as JSON text; values that JSON lacks become text."""
    try:
        payload, codec = decode(raw)
    except UndecodablePayload:
        return json.dumps({"class": "?", "args": [], "jid": "?"})
    if codec == "json":
        return raw.decode()
    try:
        return json.dumps(payload, default=_as_text, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(payload), default=_as_text)


def _finite(value: Any) -> Any:
    """Return *value* with NaN and infinities, which JSON lacks, as text."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _as_text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
