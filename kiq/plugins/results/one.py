"""``kiq.result(jid)``: what one job comes to."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ...errors import PayloadError
from .aio import AioResult
from .patience import PATIENCE, checked
from .progress import Progress
from .record import Outcome
from .sources import Source, source_of
from .status import Status, is_ready, progress_of, status_of
from .waiting import ends, now, refuse_in_a_job

_LONGEST = 1_000  # characters; a jid of kiq has 24


class Result:
    """What the job *jid* comes to, if its class, or its push, has a ``result_ttl``. See docs/results.md.

    Making one asks nobody. Threads: any, and any forked child.
    """

    def __init__(self, jid: str, source: Source) -> None:
        self.jid = jid
        self._source = source

    def __repr__(self) -> str:
        return f"<Result of {self.jid}>"

    def get(self, timeout: float | None = PATIENCE, *, inside_job: bool = False) -> Any:
        """Return what ``perform`` returned, when the job is done; wait for that *timeout* seconds.

        None waits without end, 0 only looks. Raises JobFailed where it ended otherwise (what it raised
        is told in words), ResultMissing where its result has expired or could not be kept, ResultTimeout
        when the time is over; retries are waited for. In a job of a worker it raises WaitRefused, unless
        *inside_job*: the thread may be the one that the other job needs. All waiters of a program share
        one connection; while Redis is away they wait on.
        """
        return self.wait(timeout, inside_job=inside_job).value

    def wait(self, timeout: float | None = PATIENCE, *, inside_job: bool = False) -> Outcome:
        """Return how the job ended, also where it failed; see :meth:`get`."""
        if timeout == 0:
            return now(self._source, self.jid)
        refuse_in_a_job(self.jid, inside_job)
        with closing(ends(self._source, [self.jid], checked(timeout))) as found:
            return next(found)

    @property
    def aio(self) -> AioResult:
        """The same for asyncio code: ``await kiq.result(jid).aio.get(timeout=5)``."""
        return AioResult(self.jid, self._source)

    def ready(self) -> bool:
        """Tell whether the job has ended. One round trip, two where it died; raises StoreError."""
        return is_ready(self._source, self.jid)

    @property
    def progress(self) -> Progress | None:
        """How far the job has come, or had when it ended; None where it told nothing. One round trip."""
        return progress_of(self._source, self.jid)

    @property
    def status(self) -> str:
        """What is known of the job, in a word; see :meth:`look`."""
        return self.look().status

    def look(self) -> Status:
        """Return what is known of the job, wherever it is. Raises StoreError.

        One round trip where it has ended (two where it died). Else every place is looked at, as by
        :func:`kiq.api.find`: a round trip for 1,000 jobs.
        """
        return status_of(self._source, self.jid)


def result(jid: str | None, client: Any = None) -> Result:
    """Return a handle to what the job *jid* comes to; asks nobody.

    *client* as for :func:`kiq.api.connection`: None means where ``perform_async`` pushes. Raises
    PayloadError for what is no jid: None, as ``perform_async`` returns where a layer vetoed.
    """
    return Result(check_jid(jid), source_of(client))


def check_jid(jid: Any) -> str:
    """Return *jid*; raises PayloadError for what is none."""
    if not isinstance(jid, str) or not 0 < len(jid) <= _LONGEST:
        shown = repr(jid)[:60]
        hint = ": the push was vetoed, or has not happened yet" if jid is None else ""
        raise PayloadError(
            f"result takes the jid of one job, as perform_async returned it, not {shown}{hint}"
        )
    return jid
