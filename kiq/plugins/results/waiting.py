"""Waiting: what is seen of some jobs, until each has ended or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from queue import Empty, SimpleQueue

from ...clock import steady
from ...context import current_job
from ...errors import ResultMissing, ResultTimeout, StoreError, WaitRefused
from .hub import Hub, Waiter
from .reader import Seen
from .record import Outcome
from .sources import Source


def refuse_in_a_job(jid: str, allowed: bool) -> None:
    """Raise WaitRefused where a worker's job would wait."""
    job = current_job()
    if job is None or not job.in_worker or allowed:
        return
    raise WaitRefused(
        f"job {job.jid} wants to wait for job {jid}: when all threads wait so, none is left for what they "
        "wait for. Let the other job push what comes next; look by get(timeout=0); or, where its queue has "
        "threads of its own, say get(..., inside_job=True)",
        jid,
    )


def ended(what: Seen) -> Outcome:
    """Return what the job came to. Raises ResultMissing where that is not there any more."""
    outcome = what.outcome
    if outcome is not None:
        return outcome
    why = what.gone or "its record can't be read: another version of kiq wrote it"
    raise ResultMissing(f"job {what.jid} has ended; {why}", what.jid)


def now(source: Source, jid: str) -> Outcome:
    """Return what *jid* came to, if it has ended; else raise ResultTimeout.

    One round trip, two where it died.
    """
    (what,) = source.seen([jid])
    last: Seen | None = what
    if what.record is None and not what.gone:
        last = None
    elif what.outcome is None or what.outcome.status == "dead":
        last = source.latest(what)
    if last is None:
        raise too_late(jid, 0, what, None, source.hint)
    return ended(last)


def too_late(
    jid: str, seconds: float | None, last: Seen | None, hub: Hub | None, hint: str = ""
) -> ResultTimeout:
    """Return the error of who waited *seconds* for *jid*, of which *last* was seen."""
    away: StoreError | None = hub.away if hub is not None else None
    waited = f"no result of job {jid} within {seconds or 0:g} s"
    if away is not None:
        return ResultTimeout(f"{waited}: Redis did not answer: {away}", jid)
    return ResultTimeout(f"{waited}: {_known(last)}{hint}", jid)


def _known(last: Seen | None) -> str:
    underway = last.underway if last is not None else None
    if underway is None:
        return (
            "it waits or runs and has told nothing, or its class has no result_ttl, or there is no such "
            "job (kiq.result(jid).status looks)"
        )
    far = underway.progress
    told = f"attempt {underway.attempt} has done {far.done:g}" if far is not None else ""
    if far is not None and far.total is not None:
        told += f" of {far.total:g}"
    if underway.due is None:
        return f"it runs, {told}" if told else "it runs"
    due = time.strftime("%H:%M:%S", time.gmtime(underway.due))
    if underway.state == "retrying":
        why = f" ({underway.error})" if underway.error else ""
        return f"attempt {underway.attempt} failed{why}; attempt {underway.attempt + 1} is due {due} UTC"
    return f"it asked to go on at {due} UTC" + (f"; {told}" if told else "")


class Wait:
    """Some jobs, and what is seen of their ends. Threads: who made it collects; the hub's brings."""

    def __init__(self, source: Source, jids: Sequence[str], put: Callable[[Seen], object]) -> None:
        """*put* is called with each end, on the hub's thread."""
        self._source = source
        self._put = put
        self._waiters = {jid: Waiter(jid, put) for jid in dict.fromkeys(jids)}
        self._hub: Hub | None = None

    def begin(self) -> bool:
        """Begin; False where nothing will happen while one waits: then what is there was put."""
        waiters = list(self._waiters.values())
        self._hub = self._source.begin(waiters)
        if self._hub is None:
            for what in self._source.seen(list(self._waiters)):
                waiter = self._waiters[what.jid]
                if waiter.takes(what):
                    self._put(what)
        return self._hub is not None

    def asks(self, what: Seen) -> bool:
        """Tell whether :meth:`latest` has to look."""
        outcome, first = what.outcome, self._waiters[what.jid].but is None
        return self._hub is not None and first and (outcome is None or outcome.status == "dead")

    def latest(self, what: Seen) -> Seen | None:
        """Return the last end of the job; None where it runs again: then it is waited for that.

        One round trip as a rule, where it died.
        """
        if not self.asks(what):
            return what
        last = self._source.latest(what)
        if last is None:
            waiter = self._waiters[what.jid] = Waiter(what.jid, self._put, what)
            self._hub = self._source.begin([waiter])
        return last

    def late(self, jid: str, seconds: float | None) -> ResultTimeout:
        """Return the error for *jid*, which has not ended."""
        return too_late(jid, seconds, self._waiters[jid].last, self._hub, self._source.hint)

    def end(self) -> None:
        """Wait no more."""
        if self._hub is not None:
            self._hub.remove(self._waiters.values())


def ends(
    source: Source, jids: Sequence[str], timeout: float | None
) -> Generator[Outcome, None, None]:
    """Yield what each of *jids* came to, as they end.

    Raises ResultTimeout, which names the first that has not, or ResultMissing. No round trip on this thread
    but where a job died, or its result is gone: then it is looked whether it runs again.
    """
    until = None if timeout is None else steady() + timeout
    arrived: SimpleQueue[Seen] = SimpleQueue()
    wait = Wait(source, jids, arrived.put)
    open_ = dict.fromkeys(jids)
    try:
        comes = wait.begin()
        while open_:
            try:
                left = None if until is None else max(0.0, until - steady())
                what = arrived.get(timeout=left if comes else 0)
            except Empty:
                raise wait.late(next(iter(open_)), timeout) from None
            last = wait.latest(what) if what.jid in open_ else None
            if last is not None:
                del open_[what.jid]
                yield ended(last)
    finally:
        wait.end()
