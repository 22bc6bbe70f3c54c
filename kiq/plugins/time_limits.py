"""Time limits: a job that runs longer than its ``time_limit`` gets an exception in its thread.

The watch covers what is inside this layer: the job's own code, and the layers that were added later.
"""

from __future__ import annotations

import logging
import math
from typing import Any

from .. import raising
from ..clock import steady
from ..errors import TimeLimitExceeded
from ..middleware import Next, ServerContext
from ..plugin import Host
from ..process import WorkerProcess
from .interrupting import elsewhere
from .interrupting.crew import Crew, crew_of
from .interrupting.moment import Moment
from .interrupting.span import Span

logger = logging.getLogger("kiq.time_limits")

_LONGEST = 1_000_000_000  # seconds; a number above it is a mistake


class TimeLimits:
    """The plugin, and its layer: it runs for jobs that have a time limit, and costs others nothing."""

    name = "time_limits"
    payload_field = "time_limit"

    def install(self, host: Host) -> None:
        """Attach the layer, and the watchdog."""
        host.around_perform(self)
        host.services.append(_serve)

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, for as long as it may."""
        seconds = _limit_of(context)
        crew = context.worker.of(Crew) if context.worker is not None else None
        if crew is None or seconds is None:
            return call_next(context)
        watch = _Watch(crew, context, seconds)
        watch.begin()
        try:
            return call_next(context)
        finally:
            watch.span.open = False  # see Span
            try:
                watch.end()
            except TimeLimitExceeded as late:
                if type(late) is not watch.kind:
                    raise
                watch.end()


def _serve(process: WorkerProcess) -> _Service:
    return _Service(crew_of(process))  # made before the first job starts


class _Service:
    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def start(self) -> None:
        self._crew.watchdog.start()

    def stop(self) -> None:
        """Go on: while the process stops, jobs still have their limits. It ends at ``exit``."""

    def exit(self) -> None:
        self._crew.watchdog.stop()


class _Watch:
    """One run of a job with a limit. The job's thread begins and ends it, the watchdog does the rest."""

    def __init__(self, crew: Crew, context: ServerContext, seconds: float) -> None:
        self.span = Span()
        self.kind: type[TimeLimitExceeded] | None = None  # made when it is raised
        self._crew = crew
        self._seconds = seconds
        self._job = f"job {context.jid} ({str(context.payload['class'])[:200]})"
        self._interrupt = elsewhere.here.get()
        self._moment = Moment(self.span.ident, self._raise)
        self._told = False

    def begin(self) -> None:
        self._crew.watchdog.watch(self, steady() + self._seconds, self._ring)

    def end(self) -> None:
        self.span.close()
        self._moment.take()
        self._crew.watchdog.forget(self)

    def _ring(self) -> float | None:
        if not self.span.open:
            return None
        if self._told:
            self._crew.stuck(self.span.ident, self._job, lambda: self.span.open)
            return None
        if self.kind is None:
            self.kind = _kind(self._seconds)
        if self._interrupt is not None:
            self._interrupt(self.kind)
        else:
            later = self._moment.wait()
            if later is not None:
                return later
            mine = self._moment.take()  # else the thread has met it at the end of a push
            if mine and not self.span.interrupt(self.kind) and self.span.open:
                self._say_why_not()
        self._told = True
        return steady() + self._crew.grace

    def _raise(self) -> None:
        """Raise it here, in the job's thread."""
        if self.span.open and self.kind is not None:
            raise self.kind

    def _say_why_not(self) -> None:
        why = "" if raising.possible() else ": a debugger or a coverage tool traces its threads"
        logger.error(
            "%s is over its time limit of %g s, but can't be interrupted%s",
            self._job,
            self._seconds,
            why,
        )


def _kind(seconds: float) -> type[TimeLimitExceeded]:
    """Return a class for one run alone, so that nobody takes its exception for that of another run."""
    message = f"the job ran longer than its time limit of {seconds:g} s"

    def init(self: TimeLimitExceeded) -> None:
        BaseException.__init__(self, message)

    def reduce(_self: TimeLimitExceeded) -> tuple[Any, ...]:
        return TimeLimitExceeded, (message,)

    known = TimeLimitExceeded
    names = {"__module__": known.__module__, "__qualname__": known.__qualname__}
    return type(
        known.__name__,
        (known,),
        {**names, "__init__": init, "__reduce__": reduce, "__doc__": known.__doc__},
    )


def _limit_of(context: ServerContext) -> float | None:
    """Return the limit in seconds; None, with a warning, where the payload has what is none."""
    value = context.payload.get("time_limit")
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 < value <= _LONGEST and not math.isnan(value):
        return float(value)
    shown = repr(value)
    logger.warning(
        "job %s runs without a time limit: it is to be seconds, not %s",
        context.jid[:200],
        shown[:200],
    )
    return None
