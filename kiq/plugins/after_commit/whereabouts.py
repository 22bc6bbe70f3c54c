"""Which client pushes here: in this context, and by default in this process."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, Final

from ...client import default_client, stand_ins
from ...pusher import Route


class AtOnce:
    """Waits for no transaction."""


AT_ONCE: Final = AtOnce()

#: What a ``with kiq.after_commit(...)`` block says; None outside of such blocks.
where: ContextVar[Any] = ContextVar("kiq_after_commit", default=None)

_default: Route | None = None


class Block:
    """One ``with`` block, from now on: what is pushed in it is pushed by *client*.

    Threads: of one thread or task; a task that was begun in it may outlive it.
    """

    def __init__(self, client: Route) -> None:
        self.client = client
        self.is_open = True
        self._token: Token[Any] = where.set(self)

    def end(self) -> None:
        """Let pushes go where they went before."""
        self.is_open = False
        with suppress(ValueError):  # a generator that ends in another context, where none was begun
            where.reset(self._token)


def wait_by_default(client: Route | None) -> None:
    """Let *client* push where no block says otherwise; None means the usual one."""
    global _default
    _default = client
    if client is not None:
        attach()


def attach() -> None:
    """Be asked for the client of each push, before others are; nothing is slower before that."""
    if _here not in stand_ins:
        stand_ins.insert(0, _here)


def leave_blocks() -> None:
    """Let no block that is open hold from here on, in this context: what runs is none of its code."""
    where.set(None)


def usual_client() -> Route:
    """Return the client that would push if there were no transactions."""
    token = where.set(AT_ONCE)
    try:
        return default_client()
    finally:
        where.reset(token)


def _here() -> Route | None:
    """Return what pushes instead of the usual client, in this context."""
    here = where.get()
    if here is AT_ONCE:
        return None
    # A task that was begun in a block may outlive it.
    client: Route | None = here.client if here is not None and here.is_open else _default
    return client
