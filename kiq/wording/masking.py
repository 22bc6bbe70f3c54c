"""Arguments without what nobody should read on a screen: hidden by the name that they have."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "•••"
_DEEPEST = 50
_SECRET = re.compile(
    "passw|passphrase|secret|token|api_?key|authori[sz]|credential|private_?key|session|cookie"
    "|card_?number|cvv|cvc|iban|ssn",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Return whether a value of this *name* is hidden: passwords, tokens, keys, card numbers."""
    return _SECRET.search(name) is not None


def masked(value: Any, depth: int = 0) -> Any:
    """Return *value* with the values hidden that stand under the name of a secret, at any depth."""
    if depth > _DEEPEST:
        return HIDDEN  # what is nested so deeply is not shown anyway
    if isinstance(value, dict):
        return {
            key: HIDDEN if is_secret(_text(key)) else masked(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(inner, depth + 1) for inner in value]
    return value


def _text(key: Any) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else str(key)
