"""Around runs of unique jobs: who was replaced does not run, who is not alone waits."""

from __future__ import annotations

import inspect
import logging
import random
from collections import OrderedDict
from typing import Any

from ...aio import in_thread
from ...api.home import Connection
from ...errors import Snooze, StoreError
from ...middleware import Next, ServerContext
from ...process import WorkerProcess
from ...store.link_pool import LinkPool
from ...store.scripts import Command
from ..asyncio_jobs import async_layer
from . import keys as own
from .lua import read
from .terms import FIELD, Terms, terms_of

logger = logging.getLogger("kiq.unique")

#: Seconds after which a job that waits for another asks again, if nobody has told it that it may run.
_LONGEST = 60.0
_AWAY = 2.0  # seconds until it asks again when Redis did not answer
_MOST = 10_000  # jids of parked jobs that are known


class _Asking:
    """The connection by which the jobs of one worker ask."""

    def __init__(self, process: WorkerProcess) -> None:
        self.home = Connection(LinkPool(process.connector))


def ask_by(process: WorkerProcess) -> None:
    """Let the jobs of *process* ask whether they may start: a service that needs no thread."""
    process.state.keep(_Asking(process))


class Parked:
    """The jids of jobs that this process sends back, to wait until another has run.

    Threads: any.
    """

    def __init__(self) -> None:
        self._jids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, jid: object) -> bool:
        return jid in self._jids

    def add(self, jid: str) -> None:
        """Note that *jid* waits."""
        self._jids[jid] = None
        while len(self._jids) > _MOST:
            self._jids.popitem(last=False)

    def discard(self, jid: str) -> None:
        """Note that *jid* runs."""
        self._jids.pop(jid, None)


class Starts:
    """The layer around jobs that have a thread."""

    payload_field = FIELD

    def __init__(self) -> None:
        self.parked = Parked()
        self._text = read("start")

    def applies_to(self, job_class: Any) -> bool:
        """Tell whether it runs on a thread of its own."""
        return not inspect.iscoroutinefunction(getattr(job_class, "perform", job_class))

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, if it may."""
        return call_next(context) if self.may_run(context) else None

    def may_run(self, context: ServerContext) -> bool:
        """Tell whether the job may run; False where it was replaced. Raises Snooze: it has to wait."""
        terms = terms_of(context.payload)
        asking = context.worker.of(_Asking) if context.worker is not None else None
        if terms is None or asking is None or not terms.asked_at_start:
            return True
        jid = context.jid
        try:
            answer = asking.home.call(self._command(context, terms))
        except StoreError as error:
            raise Snooze(_AWAY, f"Redis did not say whether it may run: {error}") from error
        if answer[0] == b"replaced":
            context.skipped = "a later push has replaced it"
            logger.info("dropped: a later push has replaced it [jid=%s]", jid)
            return False
        if answer[0] == b"wait":
            self.parked.add(jid)
            other = answer[1].decode(errors="replace")
            raise Snooze(_LONGEST * random.uniform(0.8, 1.2), f"the same job runs: {other}")
        self.parked.discard(jid)
        return True

    def _command(self, context: ServerContext, terms: Terms) -> Command:
        run = own.run_name(terms.key)
        names = (own.lock(terms.key), own.LOCKS, own.REPLACED, own.lock(run))
        wait_lock = "free" if terms.ends_at_start else ("note" if terms.newest_wins else "")
        payload = context.payload
        about = (context.jid, terms.key, wait_lock, run if terms.runs_alone else "")
        args = (*about, payload["class"], context.queue)
        return ("EVAL", self._text, len(names), *names, *args)


class AsyncStarts:
    """The same around async jobs: the event loop goes on while Redis is asked."""

    def __init__(self, starts: Starts) -> None:
        self._starts = starts

    def layer(self) -> Any:
        """Return the layer."""

        async def unique_start(context: ServerContext, call_next: Any) -> Any:
            if await in_thread(self._starts.may_run, context):
                return await call_next(context)
            return None

        layer = async_layer(unique_start)
        layer.payload_field = FIELD  # type: ignore[attr-defined]
        return layer
