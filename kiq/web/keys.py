"""The keys that the web UI has in Redis."""

from __future__ import annotations

ACTIVITY = "kiq:web:activity"


def bulk(key: str) -> str:
    """How far a bulk act is; a day after its last step it expires by itself."""
    return f"kiq:web:bulk:{key}"


def once(key: str) -> str:
    """The mark that a form was used; it expires by itself."""
    return f"kiq:web:once:{key}"
