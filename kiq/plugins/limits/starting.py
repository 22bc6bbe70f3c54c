"""Around runs of limited jobs: who finds a limit reached goes back, and is called when there is room."""

from __future__ import annotations

import inspect
import logging
import random
import time
from collections import OrderedDict
from typing import Any, NamedTuple

from ...aio import in_thread
from ...api.home import Connection
from ...clock import steady
from ...errors import Snooze, StoreError
from ...middleware import Next, ServerContext
from ...plugin import in_flight
from ...process import WorkerProcess
from ...store.link_pool import LinkPool
from ..asyncio_jobs import async_layer
from .asking import ask, read_answer
from .limited import LimitReached, RateLimited
from .naming import FIELD
from .terms import Held, limits_of

logger = logging.getLogger("kiq.limits")

#: Seconds that a job waits on its thread, as in common.lua, and how often.
_BRIEF, _TIMES = 0.05, 3
_ENDED = "limits"  # what a verdict encloses: when the run ended, by the steady clock
_AWAY = 2.0  # seconds until it asks again when Redis did not answer
_MOST = 10_000  # deliveries that are known to go back
_LEAST, _EACH, _LONGEST = 60.0, 0.05, 3600.0  # seconds until it asks again though nobody called


class Asking:
    """The connection by which the jobs of one worker ask."""

    def __init__(self, process: WorkerProcess) -> None:
        self.home = Connection(LinkPool(process.connector))


def ask_by(process: WorkerProcess) -> None:
    """Let the jobs of *process* ask whether they may start: a service that needs no thread."""
    process.state.keep(Asking(process))


class Parting(NamedTuple):
    """Why a delivery ends early: its job waits in line for a limit, or says that one is reached."""

    place: int  # which limit of the job it is
    since: str = ""
    closed: float | None = None  # seconds


class Partings:
    """Of deliveries of this process that end early: why, by their tokens.

    Threads: any.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Parting] = OrderedDict()

    def add(self, token: str, parting: Parting) -> None:
        """Note why the delivery *token* ends."""
        self._known[token] = parting
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def of(self, token: str) -> Parting | None:
        """Return why; None where it was for no limit."""
        return self._known.get(token)


class Starts:
    """The layer around jobs that have a thread."""

    payload_field = FIELD

    def __init__(self) -> None:
        self.partings = Partings()

    def applies_to(self, job_class: Any) -> bool:
        """Tell whether it runs on a thread of its own."""
        return not inspect.iscoroutinefunction(getattr(job_class, "perform", job_class))

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, if it may."""
        self.enter(context)
        try:
            return call_next(context)
        except RateLimited as limited:
            self.limited(context, limited)
            raise
        finally:
            context.enclose(_ENDED, steady())

    def enter(self, context: ServerContext) -> None:
        """Return when the job may run; one round trip. Raises Snooze: it has to wait."""
        limits = limits_of(context.payload)
        asking = context.worker.of(Asking) if context.worker is not None else None
        token = context.token
        if not limits or asking is None or not token:
            return
        *_, high, key, low, delivery = in_flight(context.queue, token)
        holder = holder_of(token, context.jid, context.queue)
        try:
            command = ask(limits, context.jid, holder, flight=(key, high, low, delivery))
            answer = read_answer(asking.home.call(command))
            for _ in range(_TIMES):
                if answer.seconds is None or answer.seconds > _BRIEF:
                    break
                time.sleep(answer.seconds)
                answer = read_answer(asking.home.call(command))
        except StoreError as error:
            raise Snooze(_AWAY, f"Redis did not say whether it may run: {error}") from error
        if answer.gone:  # given to another: nothing that comes of this run counts
            raise Snooze(_AWAY, "this process was declared dead, and its job given to another")
        if answer.place is not None:
            self.partings.add(token, Parting(answer.place, answer.since))
            seconds = _until(answer.seconds, answer.before)
            raise Snooze(seconds, f"limit reached: {limits[answer.place].id}")

    def limited(self, context: ServerContext, limited: RateLimited) -> None:
        """Note that the job of *context* met a limit elsewhere: others need not try meanwhile."""
        place = closes(limits_of(context.payload), limited.limit)
        if context.token and place is not None and not isinstance(limited, LimitReached):
            self.partings.add(context.token, Parting(place, closed=limited.retry_after))


def closes(limits: list[Held], name: str) -> int | None:
    """Return which of *limits* is closed by RateLimited: that of *name*, or the first that is a rate."""
    if name:
        names = [one.id.split(":", 2)[1] for one in limits]
        return names.index(name) if name in names else None
    rates = [place for place, one in enumerate(limits) if one.kind != "concurrent"]
    return rates[0] if rates else (0 if limits else None)


def since_the_end(verdict: Any) -> float:
    """Return for how many seconds the run that *verdict* is about has been over; 0: nobody knows.

    A job is settled together with others, some milliseconds after its end: whatever it called was called
    before that.
    """
    enclosed = getattr(verdict, "enclosed", None) or {}
    ended: float | None = enclosed.get(_ENDED)
    return 0.0 if ended is None else max(0.0, steady() - ended)


def holder_of(token: str, jid: str, queue: str) -> str:
    """Return how a delivery is called where it is in a limit: what a reader, and a sweep, have to know."""
    return f"{token}\n{jid}\n{queue}"


def _until(seconds: float | None, before: int) -> float:
    """Return seconds after which a job asks again that nobody has called."""
    least = _LEAST + before * _EACH
    longest = least if seconds is None else seconds * 1.1 + least / 2
    return min(longest, _LONGEST) * random.uniform(0.9, 1.2)


class AsyncStarts:
    """The same around async jobs: the event loop goes on while Redis is asked."""

    def __init__(self, starts: Starts) -> None:
        self._starts = starts

    def layer(self) -> Any:
        """Return the layer."""

        async def limits_start(context: ServerContext, call_next: Any) -> Any:
            await in_thread(self._starts.enter, context)
            try:
                return await call_next(context)
            except RateLimited as limited:
                self._starts.limited(context, limited)
                raise
            finally:
                context.enclose(_ENDED, steady())

        layer = async_layer(limits_start)
        layer.payload_field = FIELD  # type: ignore[attr-defined]
        return layer
