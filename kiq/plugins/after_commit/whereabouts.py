"""Which transaction pushes wait for: in this context, and by default in this process."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ...client import Client, default_client


class AtOnce:
    """Waits for no transaction."""


AT_ONCE: Final = AtOnce()

#: What a ``with kiq.after_commit(...)`` block says; None outside of such blocks.
where: ContextVar[Any] = ContextVar("kiq_after_commit", default=None)


def usual_client() -> Client:
    """Return the client that would push if there were no transactions."""
    token = where.set(AT_ONCE)
    try:
        return default_client()
    finally:
        where.reset(token)
