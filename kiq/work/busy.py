"""How a running job is shown: Sidekiq's UI wants its payload as JSON text, whatever its codec."""

from __future__ import annotations

import json
from typing import Any

from ..codec import decode
from ..errors import UndecodablePayload


def as_json_text(raw: bytes) -> str:
    """Return the payload in *raw* as JSON text; values that JSON lacks become text."""
    try:
        payload, codec = decode(raw)
    except UndecodablePayload:
        return json.dumps({"class": "?", "args": [], "jid": "?"})
    return raw.decode() if codec == "json" else json.dumps(payload, default=_as_text)


def _as_text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
