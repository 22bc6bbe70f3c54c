"""What the running job adds to every line that is logged while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

#: The fields of the job that this thread runs (jid, class, queue, ...); None between jobs.
current: ContextVar[Mapping[str, str] | None] = ContextVar("kiq.logcontext", default=None)

#: The id of the job that runs here, where many share a thread.
on_loop: ContextVar[str] = ContextVar("kiq_on_loop", default="")


@contextmanager
def fields(**added: str) -> Iterator[None]:
    """Add fields to what is logged inside the ``with`` block; those outside come back after it."""
    token = current.set({**(current.get() or {}), **added})
    try:
        yield
    finally:
        current.reset(token)


def tid() -> str:
    """Return this thread's id as the operating system knows it, in base 36: short, to be grepped.

    Inside a job of the event loop: the id that this job has.
    """
    return on_loop.get() or _base36(threading.get_native_id())


def tid_of(thread: threading.Thread) -> str:
    """Return the id of *thread* in the same form; "0" before it has started."""
    return _base36(thread.native_id or 0)


def _base36(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if not number:
            return text
