"""Which transaction pushes wait for: in this context, and by default in this process."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final


class AtOnce:
    """Waits for no transaction."""


AT_ONCE: Final = AtOnce()

#: What a ``with kiq.after_commit(...)`` block says; None outside of such blocks.
where: ContextVar[Any] = ContextVar("kiq_after_commit", default=None)
