"""Job ids."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any


class Jid(str):
    """A job id: 24 lowercase hex digits, a plain str but for one hint."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, str]:
        """Refuse: pushing is not a coroutine, and the usual TypeError doesn't say so."""
        raise TypeError(
            "a push is not a coroutine: the job is in Redis already; "
            "write HardWorker.perform_async(...) without await, or, from asyncio code, "
            "await HardWorker.aio.perform_async(...)"
        )


def new_jid() -> str:
    """Return a fresh job id (12 random bytes)."""
    return os.urandom(12).hex()
