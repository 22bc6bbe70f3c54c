"""``kiq.Batch``: jobs that belong together, and what is done when they have ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from ...aio import in_thread
from ...context import running
from ...errors import BatchClosed, BulkPushError, ConfigError, StoreError, StoreUnavailable
from ...guarding import Declined
from ...plugin import host
from ...pusher import Pusher, Route
from ...sender import Load, Outcome, Step, StepOutcome
from . import callbacks, keys, steps
from .blocks import Block, Collected, Collector, open_block, usual_client
from .handle import Handle
from .leaving import FIELD
from .plugin import attach
from .trial import Share, Trial

logger = logging.getLogger("kiq.batches")

_LARGE = 100_000  # jobs in one step, above which it is said that this takes Redis a while
_HERE: Any = object()
_CLOSED = {
    "gone": "there is no such batch: it was deleted, or has been over for long",
    "cancelled": "the batch is cancelled",
    "finished": "the batch is finished: all its jobs have ended",
}


class Batch(Handle):
    """Jobs that belong together: what is pushed in its ``with`` block, and what is added later.

    At the end of the block all of it is pushed in one atomic step; nothing is if the block raises.
    *on_success*, *on_complete*, *on_death* and *on_end* are jobs (``Notify.args(7)``, or a list of
    such), pushed once each: when all jobs have succeeded; when of each the first attempt has ended; when
    the first has died; when nothing of it can run any more. *flush_every*: so many jobs are pushed at a
    time while the block goes on, for more than memory or Redis bears at once; what was pushed stays if
    the block then raises, and the batch is cancelled.

    A batch that is made in the block of another, or by a job of one, is within that: the outer one waits
    for it. *parent* says otherwise: a batch, or None. *client* pushes it, by default that of the process.
    See docs/batches.md. Raises ConfigError. Threads: each block is of the thread or task that began it.
    """

    def __init__(
        self,
        description: str = "",
        *,
        on_success: callbacks.Callback = None,
        on_complete: callbacks.Callback = None,
        on_death: callbacks.Callback = None,
        on_end: callbacks.Callback = None,
        tags: Sequence[str] = (),
        flush_every: int | None = None,
        parent: Handle | None = _HERE,
        client: Route | None = None,
    ) -> None:
        if not isinstance(description, str):
            raise ConfigError(f"a batch's description is text, not {description!r}")
        if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
            raise ConfigError(f"a batch's tags are a list of text, not {tags!r}")
        if flush_every is not None and (not isinstance(flush_every, int) or flush_every < 1):
            raise ConfigError(f"flush_every is how many jobs, 1 or more, not {flush_every!r}")
        block = open_block()
        outer = _outer(block) if parent is _HERE else parent.bid if parent is not None else ""
        super().__init__(keys.new_bid(outer), client)
        if keys.too_deep(self.bid):
            raise ConfigError(
                f"batch {outer} is within as many others as can be: make this one beside it"
            )
        self.description, self.tags = description, list(tags)
        self._given = {
            "success": on_success,
            "complete": on_complete,
            "death": on_death,
            "end": on_end,
        }
        self._flush_every = flush_every
        self._begun = False  # it is in Redis, as far as is known here
        attach()
        self._fields: Sequence[Any] = self._made_fields()

    @classmethod
    def find(cls, bid: str, client: Route | None = None) -> Batch:
        """Return the batch *bid*, to add jobs to it or look at it. Nothing is asked yet."""
        found = cls.__new__(cls)
        Handle.__init__(found, bid, client)
        found.description, found.tags = "", []
        found._given, found._fields, found._flush_every = {}, (), None
        found._begun = True
        attach()
        return found

    def _made_fields(self) -> list[Any]:
        pusher = self._route.here()
        made = callbacks.made(self._given, self.bid, keys.parent_of(self.bid), pusher.encoded)
        return [
            *("description", self.description),
            *("tags", json.dumps(self.tags)),
            *made,
        ]

    @property
    def _route(self) -> Route:
        return self._client or usual_client()

    def __enter__(self) -> Batch:
        if self._block is not None:
            raise ConfigError(f"batch {self.bid}: its block is open already")
        self._new, self._flushed = not self._begun, False
        self._parts: list[_Part] = []
        outer = open_block()
        within = outer is not None and outer.batch.bid == keys.parent_of(self.bid)
        self._outer = outer if within and self._new else None
        # Within the block of its parent it is pushed with that.
        most = None if self._outer is not None else self._flush_every
        self._collected = Collected(most, self._flush)
        pusher = Collector(self._route, self._collected, self.bid)
        self._block = Block(self, pusher)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        if error is not None:
            self._give_up(error)
        elif not self._handed_over():
            self._push(self._route.here(), last=self._new)

    async def __aenter__(self) -> Batch:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        if error is not None:
            await in_thread(self._give_up, error)
        elif not self._handed_over():
            pusher = self._route.here()
            if pusher.sender.in_asyncio == "at once":
                self._push(pusher, last=self._new)
            else:
                await in_thread(self._push, pusher, last=self._new)

    def _close(self) -> None:
        block, self._block = self._block, None
        if block is not None:
            block.end()

    def _give_up(self, error: BaseException) -> None:
        """Push nothing more; a batch that was pushed in part is cancelled."""
        if self._new and self._flushed:
            try:
                self.cancel(f"its block raised {type(error).__name__}")
            except Exception as problem:  # noqa: BLE001 (the block's own error is raised)
                error.add_note(f"kiq: batch {self.bid} could not be cancelled: {problem}")
            else:
                error.add_note(f"kiq: batch {self.bid} had been pushed in part, and is cancelled")

    def _handed_over(self) -> bool:
        """Let the block of its parent, which this one was in, push it with its own jobs."""
        if self._outer is None:
            return False
        if not self._outer.is_open:
            raise BatchClosed(f"batch {self.bid}: the block of its parent has ended before its own")
        self._outer.batch._parts += self._taken(last=True)
        return True

    def _flush(self) -> None:
        self._push(self._route.here(), last=False)
        self._flushed = True

    def _taken(self, *, last: bool) -> list[_Part]:
        """Return what was collected, and in blocks within; that of the outermost first."""
        load = steps.merged(self._collected.take())
        inner, self._parts = self._parts, []
        jid = _here()
        new = not self._begun
        before = steps.begun(self.bid, jid, self._fields) if new else steps.asked(self.bid, jid)
        self._begun = True
        return [_Part(self, before, load, first=new, last=last), *inner]

    def _push(self, pusher: Pusher, *, last: bool) -> None:
        new = not self._begun
        parts = self._taken(last=last)
        size = sum(len(part.load.jids) for part in parts)
        if size > _LARGE:
            logger.warning(
                "batch %s: %d jobs in one step, in which Redis does nothing else: see flush_every",
                self.bid,
                size,
            )
        step = _step(parts)
        try:
            try:
                pusher.sender.push_step(step)
            except StoreUnavailable as error:
                if not error.maybe_done:
                    raise
                pusher.sender.push_step(step)  # it is done once, however often it is sent
        except StoreError:
            self._begun = not new
            raise

    def _told(self, load: Load, outcome: Outcome | None) -> Exception | None:
        """Note what became of *load*; return what is wrong with that."""
        refused = {} if outcome is None else outcome.refused
        for jid, why in refused.items():
            if isinstance(why, Declined):
                self.declined[jid] = why.why
                why.tell(host.report)
        failed = [why for why in refused.values() if isinstance(why, StoreError)]
        errors = [*({} if outcome is None else outcome.errors).values(), *failed]
        if not errors:
            return None
        missing = {jid for jid, why in refused.items() if not getattr(why, "maybe_done", False)}
        for place in {} if outcome is None else outcome.errors:
            missing |= set(steps.jids_of(load, place))
        pushed = [jid for jid in load.jids if jid is not None and jid not in missing]
        if not pushed:
            return errors[0].of_push([jid for jid in load.jids if jid])
        return BulkPushError(
            f"batch {self.bid}: {len(pushed)} of its jobs were pushed, the others not, so that it can't "
            f"succeed: {errors[0]} (.jids lists what was pushed)",
            pushed,
            [],
        )


class _Part:
    """What one batch has in a step: what it is asked before, and its jobs."""

    def __init__(
        self, batch: Batch, before: tuple[Any, ...], load: Load, *, first: bool, last: bool
    ) -> None:
        self.batch, self.before, self.load = batch, before, load
        self.after = steps.joined(batch.bid, load, first=first, last=last)
        self.share = Share(batch.bid, _here(), load, batch._fields, first, last)


def _step(parts: Sequence[_Part]) -> Step:
    """Return the step of *parts*: the outermost begins first, and has its jobs last."""
    inner_first = list(reversed(parts))

    def told(outcome: StepOutcome) -> None:
        if outcome.declined == "there":
            return  # it was sent twice
        if outcome.declined:
            why = _CLOSED.get(outcome.declined, outcome.declined)
            bid = parts[0].batch.bid
            raise BatchClosed(f"nothing was pushed to batch {bid}, or for one within it: {why}")
        found = zip(inner_first, outcome.parts, strict=True)
        problems = [part.batch._told(part.load, one) for part, one in found]
        for problem in problems:
            if problem is not None:
                raise problem

    return Step(
        [part.before for part in parts],
        [(part.load, part.after) for part in inner_first],
        told,
        f"batch {parts[0].batch.bid}",
        Trial([part.share for part in parts]),
    )


def _here() -> str:
    """Return the jid of the job that runs here; "" for none."""
    job = running.get()
    return job.jid if job is not None else ""


def _outer(block: Block | None) -> str:
    """Return the id of the batch that a new one is within: that of the block, or of the job that runs."""
    if block is not None:
        return str(block.batch.bid)
    job = running.get()
    bid = job.payload.get(FIELD) if job is not None else None
    return bid if isinstance(bid, str) else ""
