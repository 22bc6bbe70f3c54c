"""One run of an iterable job: from where the last one ended, until a reason to stop."""

from __future__ import annotations

import enum
import inspect
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from ... import interruption
from ...clock import steady, wall
from ...errors import PayloadError, Shutdown, Snooze, StoreUnavailable
from ...middleware import ServerContext
from ...reporting import REPORT
from ...undone import check_done
from ...worker_state import WorkerState
from .keeper import Keeper, NoKeeper, RedisKeeper
from .plugin import Home
from .source import closed_at_the_end, pairs
from .state import IterationState

logger = logging.getLogger("kiq.iteration")

#: Seconds between two writes of the state, while nothing else makes one due.
FLUSH_INTERVAL = 5.0
#: Seconds until a job is tried again whose state could not be read, or which another run has.
_LATER = 5.0


class Abort(BaseException):
    """Raised by ``self.abort()``: not an Exception, so that ``except Exception`` lets it pass."""


class Outcome(enum.Enum):
    """Why a run ended; the text is for the log."""

    COMPLETED = "all items are done"
    CANCELLED = "it was cancelled"
    ABORTED = "it asked to be aborted"
    STOPPING = "the process stops"
    NOTHING = "build returned None: there is nothing to do"
    OVERTIME = "it has run for max_iteration_runtime"
    OVERTAKEN = "another process goes on with it: this one was taken for dead"


class Run:
    """What an iterable job does between two moments in its queue.

    Threads: the processor's.
    """

    def __init__(self, job: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.job = job
        self.args = args
        self.kwargs = kwargs
        self.item: Any = None
        self.counts_itself = False  # the job tells its position by progress()
        context: ServerContext | None = job._kiq_context
        self._payload = context.payload if context is not None else {}
        #: Keeps the progress of a job that has a result_ttl.
        self._report: Any = ((context and context.enclosed) or {}).get(REPORT)
        self._worker = (context.worker if context is not None else None) or WorkerState()
        # perform_inline makes a plain context: nobody would run that job again.
        self._home = self._worker.of(Home) if context is not None and context.in_worker else None
        self.keeper = _keeper(self._home, context)
        self.state = _load(self.keeper)
        self._began_at = self._saved_at = steady()
        self._ran_before = self.state.runtime
        self._limit = _limit(job, self._home)
        self._source: Any = None
        self._saved = True  # whether the last write of the state succeeded
        self._moved = self._worked = self._warned = False

    def __call__(self) -> None:
        """Run. Raises what the job raises, and Shutdown or Snooze when it is to go on another time."""
        state = self.state
        if state.finished is not None:
            logger.info("this job has come to its end before: its process died before it said so")
            return
        state.executions += 1
        outcome = self._outcome()
        if outcome is Outcome.NOTHING:
            logger.info("%s", outcome.value)
            self.keeper.finish()
            return
        if outcome in (Outcome.STOPPING, Outcome.OVERTIME, Outcome.OVERTAKEN):
            self._give_back(outcome)
        self._end(outcome)

    def tell(self, note: str | None = None) -> None:
        """Tell how far the job has come, where that is kept; *note* says what it does."""
        if self._report is not None:
            self._report(self.state.position, self.state.total, note)

    def update(self) -> None:
        """Bring position and running time of the state up to date."""
        state, position = self.state, getattr(self._source, "position", None)
        state.runtime = self._ran_before + steady() - self._began_at
        if position is not None and self._moved and not self.counts_itself:
            state.position = position(state.cursor)

    def _outcome(self) -> Outcome:
        state = self.state
        over = state.done_at is not None or state.cancelled
        try:
            source = () if over else self.job.build(*self.args, cursor=state.cursor, **self.kwargs)
            if inspect.iscoroutine(source):
                self._done(source, "build")
            if source is None:
                return Outcome.NOTHING
            with closed_at_the_end(source):
                return self._through(source)
        except Abort:
            return Outcome.ABORTED

    def _through(self, source: Iterable[Any]) -> Outcome:
        self._source, state = source, self.state
        total = getattr(source, "total", None)
        if total is not None:
            state.total = total
        self._call("on_start" if state.executions == 1 else "on_resume")
        if state.cancelled:
            return Outcome.CANCELLED
        return Outcome.COMPLETED if state.done_at is not None else self._iterate(source)

    def _iterate(self, source: Iterable[Any]) -> Outcome:
        try:
            for pair in pairs(source):
                self.item, self.state.cursor = pair
                outcome = self._reason_to_stop()
                if outcome is not None:
                    return outcome
                self._one()
            return Outcome.COMPLETED
        except Abort:
            raise
        except BaseException as error:
            if self._moved:
                self._save_in_spite_of(error)
            raise

    def _reason_to_stop(self) -> Outcome | None:
        """Look before each item whether it is to be done, and save the state when that is due."""
        state, now = self.state, steady()
        if not self._moved:
            self._moved = True
            self.keeper.check(state)
        if interruption.due:
            interruption.arrive()
        if self._worker.was_cancelled(self._payload):
            state.cancelled_at = wall()
        if state.cancelled:
            return Outcome.CANCELLED
        if self.keeper.lasting and self._worker.stopping.is_set():
            return Outcome.STOPPING
        # Not before an item was done: the shortest limit must let the job get on.
        late = self._limit is not None and self._worked and now - self._began_at >= self._limit
        if now - self._saved_at >= FLUSH_INTERVAL or (late and self._saved):
            self._save()
            if self.keeper.overtaken:
                return Outcome.OVERTAKEN
            if state.cancelled:
                return Outcome.CANCELLED
        # Where the state could not be saved it goes on, and tries again with the next write.
        return Outcome.OVERTIME if late and self._saved else None

    def _one(self) -> None:
        job, state, began = self.job, self.state, steady()
        if job._kiq_around:
            with job.around_iteration():
                # Inside: what encloses an item that failed must know.
                self._done(job.each(self.item, *self.args, **self.kwargs), "each")
        else:
            self._done(job.each(self.item, *self.args, **self.kwargs), "each")
        self._worked = True
        state.items += 1
        if not self.counts_itself:
            weight = getattr(self._source, "weight", None)
            state.position += weight(self.item) if weight is not None else 1
        if self._report is not None:
            self.tell()
        self._warn_of_a_long_item(steady() - began)

    def _warn_of_a_long_item(self, took: float) -> None:
        if self._home is None or took <= self._home.shutdown_timeout or self._warned:
            return
        self._warned = True
        logger.warning(
            "one item took %.1f s, longer than shutdown_timeout (%g s): a shutdown would cut it short, "
            "and it would be done again; make items smaller",
            took,
            self._home.shutdown_timeout,
        )

    def _save(self) -> None:
        self.update()
        self._saved_at = steady()
        self._saved = self.keeper.save(self.state)

    def _save_in_spite_of(self, error: BaseException) -> None:
        # With more than one attempt, but where the deadline of a shutdown has passed.
        save = self.keeper.save_surely if isinstance(error, Exception) else self.keeper.save
        self.update()
        try:
            save(self.state)
        except PayloadError as problem:
            logger.error("the state of the iteration can't be saved: %s", problem)

    def _save_the_end(self) -> None:
        try:
            self.keeper.save_surely(self.state)
        except PayloadError as problem:
            logger.error("the last cursor can't be saved: %s", problem)
            self.state.cursor = None  # nobody will go on from there
            self.keeper.save_surely(self.state)

    def _give_back(self, outcome: Outcome) -> NoReturn:
        """Save what is not saved yet, and raise what brings the job back to its queue, uncounted."""
        self.update()
        stopping = outcome is Outcome.STOPPING
        if stopping and not self.keeper.save_surely(self.state) and not self.keeper.overtaken:
            logger.warning("what was done since the state was saved last will be done again")
        with suppress(Abort):
            self._call("on_stop")
        logger.info("interrupted: %s; %d items are done so far", outcome.value, self.state.items)
        if stopping:
            # To the front, where it was taken from: another process goes on with it at once.
            raise Shutdown(f"an iterable job was interrupted: {outcome.value}")
        # Behind what waits: others have their turn before it goes on. One that was overtaken comes
        # again only if it is in a queue twice; otherwise its verdict is refused.
        later = _LATER if outcome is Outcome.OVERTAKEN else 0
        raise Snooze(later, f"an iterable job was interrupted: {outcome.value}")

    def _call(self, method: str) -> None:
        self._done(getattr(self.job, method)(), method)

    def _done(self, result: Any, method: str) -> None:
        if result is not None:
            check_done(result, f"{type(self.job).__qualname__}.{method}")

    def _end(self, outcome: Outcome) -> None:
        state = self.state
        self.update()
        if outcome is Outcome.COMPLETED and self._moved and not self.counts_itself:
            state.position = state.position if state.total is None else state.total
        if outcome is Outcome.COMPLETED and self._report is not None:
            self._report(state.position, state.total, None)
        if state.done_at is None:
            # Before the callbacks: if one fails, the retry calls them again, and does no item twice.
            state.done_at = wall()
            self._save_the_end()
            if self.keeper.overtaken:
                self._give_back(Outcome.OVERTAKEN)
        if outcome is not Outcome.COMPLETED:
            logger.info("ended: %s; %d items are done", outcome.value, state.items)
        for callback in ("on_cancel", "on_stop", "on_complete")[not state.cancelled :]:
            with suppress(Abort):  # it ends as it is
                self._call(callback)
        self.keeper.finish()


def _keeper(place: Home | None, context: ServerContext | None) -> Keeper:
    if place is None or context is None:
        return NoKeeper()
    jid = context.payload.get("jid")
    if not isinstance(jid, str) or not jid:
        # Others may have the same: one job would go on where another one was.
        logger.warning("the jid is %r: no state is kept, and the run is not interrupted", jid)
        return NoKeeper()
    made = str(context.payload.get("created_at"))  # not enqueued_at, which is new at each retry
    return RedisKeeper(place.connection, jid, made, place.suspect())


def _load(keeper: Keeper) -> IterationState:
    try:
        return keeper.load()
    except StoreUnavailable as error:
        # Nothing was done: this is no failed attempt, and must not cost a job with retry=False its life.
        raise Snooze(_LATER, f"its state can't be read now: {error}") from error


def _limit(job: Any, place: Home | None) -> float | None:
    if place is None:
        return None
    own: float | None = job.max_iteration_runtime
    return own if own is not None else place.max_runtime
