"""Which job it is, whatever kiq has written into its payload since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

#: Fields that a failure, a promotion or a push may set.
_CHANGING = frozenset(
    (
        *("queue", "at", "enqueued_at", "error_message", "error_class", "error_backtrace"),
        *("retry_count", "failed_at", "retried_at", "discarded_at"),
    )
)


def digest(raw: bytes) -> bytes:
    """Return what stands for *raw* where many are kept: 16 bytes."""
    return hashlib.blake2b(raw, digest_size=16).digest()


def fingerprint(payload: Mapping[str, Any], *, with_jid: bool = True) -> bytes:
    """Return the digest of everything in *payload* that stays as it was pushed.

    The types count: 1, 1.0 and True differ. A job that came without a jid is found by what it is
    *with_jid* False, as kiq gives it one.
    """
    hidden = _CHANGING if with_jid else _CHANGING | {"jid"}
    fixed = [(name, payload[name]) for name in sorted(payload) if name not in hidden]
    return digest(repr(fixed).encode("utf-8", "surrogatepass"))


def both(payload: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the fingerprints of *payload* with and without its jid."""
    return fingerprint(payload), fingerprint(payload, with_jid=False)
