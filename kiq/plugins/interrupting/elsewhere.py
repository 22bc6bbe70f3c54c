"""Jobs that no thread of their own runs, such as coroutines: how each is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: Ends the job with an exception of this class; may be called on any thread, and when it is over.
Interrupt = Callable[[type[BaseException]], object]

#: How the job of this context is interrupted; None for one that has its thread.
here: ContextVar[Interrupt | None] = ContextVar("kiq_interrupt", default=None)

_runs: dict[object, tuple[str, Interrupt]] = {}


@contextmanager
def running(jid: str, interrupt: Interrupt) -> Iterator[None]:
    """Say how the job *jid* is interrupted while this block runs: by *interrupt*, not in its thread."""
    key = object()
    token = here.set(interrupt)
    _runs[key] = (jid, interrupt)
    try:
        yield
    finally:
        del _runs[key]
        here.reset(token)


def runs_of(jids: set[str]) -> list[Interrupt]:
    """Return how the runs of *jids* are interrupted, as far as they run so."""
    return [interrupt for jid, interrupt in _runs.copy().values() if jid in jids]
