"""Which client pushes here: in this context, and by default in this process."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ...client import Client, default_client, stand_ins


class AtOnce:
    """Waits for no transaction."""


AT_ONCE: Final = AtOnce()

#: What a ``with kiq.after_commit(...)`` block says; None outside of such blocks.
where: ContextVar[Any] = ContextVar("kiq_after_commit", default=None)

_default: Client | None = None


def wait_by_default(client: Client | None) -> None:
    """Let *client* push where no block says otherwise; None means the usual one."""
    global _default
    _default = client
    if client is not None:
        attach()


def attach() -> None:
    """Be asked for the client of each push, before others are; nothing is slower before that."""
    if _here not in stand_ins:
        stand_ins.insert(0, _here)


def usual_client() -> Client:
    """Return the client that would push if there were no transactions."""
    token = where.set(AT_ONCE)
    try:
        return default_client()
    finally:
        where.reset(token)


def _here() -> Client | None:
    """Return what pushes instead of the usual client, in this context."""
    here = where.get()
    if here is AT_ONCE:
        return None
    # A task that was begun in a block may outlive it.
    client: Client | None = here if here is not None and here.is_open else _default
    return client
