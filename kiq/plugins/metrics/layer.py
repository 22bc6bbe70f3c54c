"""The layer that measures each run: the one part of metrics that every job pays for."""

from __future__ import annotations

from time import monotonic
from typing import Any

from ...errors import Cancelled, Snooze
from ...middleware import Next, ServerContext
from ...raised import came_from_shutdown, is_a, is_failure, signal_in
from ...worker_state import WorkerState
from .tally import Tally

_MILLISECONDS = 100_000_000_000  # a time stamp above this counts them, below it seconds


def tally_of(worker: WorkerState) -> Tally:
    """Return the tally of *worker*: made at its start, on one thread."""
    return worker.of(Tally) or worker.keep(Tally())


class Measuring:
    """A server middleware that tells *tally* of each run; None: that of the worker where it runs."""

    def __init__(self, tally: Tally | None = None) -> None:
        self._tally = tally

    def for_worker(self, worker: WorkerState) -> Measuring:
        """Return the layer of *worker*, whose jobs need not look for the tally."""
        return Measuring(tally_of(worker))

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Measure one run. One of ``perform_inline`` counts where a worker runs."""
        tally = self._tally
        if tally is None and context.worker is not None:
            tally = context.worker.of(Tally)
        return call_next(context) if tally is None else _measured(tally, call_next)(context)

    def bind(self, call_next: Next[ServerContext]) -> Next[ServerContext]:
        """Return what runs *call_next* and measures it."""
        if self._tally is not None:
            return _measured(self._tally, call_next)
        return lambda context: self(context, call_next)


def _measured(tally: Tally, call_next: Next[ServerContext]) -> Next[ServerContext]:
    # A function with cells rather than a method: with two appends instead of locked counters it
    # costs 0.25 µs a job, 0.1 of them for reading the clock twice (benchmarks/metrics_cost.py).
    appends, note, gather = tally.appends, tally.note, tally.gather

    def metrics(context: ServerContext) -> Any:
        payload = context.payload
        started = monotonic()
        try:
            result = call_next(context)
        except BaseException as error:
            note(payload, started, monotonic(), failed=not _interrupted(error))
            raise
        ended = monotonic()
        try:
            run, wait = appends[payload["class"]]
            pushed_at = payload["enqueued_at"]
            if pushed_at > _MILLISECONDS:
                waited = started - pushed_at * 0.001
            elif pushed_at > 0:
                waited = started - pushed_at
            else:
                raise ValueError  # the long way
        except Exception:  # noqa: BLE001 (a payload may hold anything; the job ran)
            note(payload, started, ended, failed=False)
            return result
        run(ended - started)
        wait(waited)
        if ended > tally.due:
            gather(ended)
        return result

    return metrics


def _interrupted(error: BaseException) -> bool:
    """Whether a run that ended with *error* was broken off, to go on later or because nobody wants it.

    That is no failure.
    """
    if is_failure(error):
        return False
    signal = signal_in(error)
    snoozed = signal is not None and is_a(signal, Snooze)
    return snoozed or is_a(error, Cancelled) or came_from_shutdown(error)
