"""Jobs that no thread of their own runs, such as coroutines: how each is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ...worker_state import WorkerState

#: Ends the job with an exception of this class; may be called on any thread, and when it is over.
Interrupt = Callable[[type[BaseException]], object]

#: How the job of this context is interrupted; None for one that has its thread.
here: ContextVar[Interrupt | None] = ContextVar("kiq_interrupt", default=None)


class Elsewhere:
    """The jobs of one worker that run so.

    Threads: any.
    """

    def __init__(self) -> None:
        self._runs: dict[object, tuple[Collection[str], Interrupt]] = {}

    @contextmanager
    def running(self, jid: str, interrupt: Interrupt, also: Collection[str] = ()) -> Iterator[None]:
        """Say how the job *jid* is interrupted while this block runs: by *interrupt*, not in its thread.

        *also* are the ids of what it belongs to, by which it may be cancelled.
        """
        key = object()
        token = here.set(interrupt)
        self._runs[key] = ((jid, *also), interrupt)
        try:
            yield
        finally:
            del self._runs[key]
            here.reset(token)

    def runs_of(self, jids: set[str]) -> list[Interrupt]:
        """Return how the runs of *jids*, or of what belongs to these, are interrupted."""
        runs = self._runs.copy().values()
        return [interrupt for names, interrupt in runs if not jids.isdisjoint(names)]


def elsewhere_in(worker: WorkerState) -> Elsewhere:
    """Return the jobs of *worker* that run so."""
    return worker.of(Elsewhere) or worker.keep(Elsewhere())
