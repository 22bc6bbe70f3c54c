"""The request to cancel a job, from whatever process."""

from __future__ import annotations

from typing import Any

from ...api.home import connection
from ...api.job_set import RetrySet, ScheduledSet
from ...errors import PayloadError
from .marks import mark

_LONGEST = 1_000  # characters; a jid of kiq has 24
_SETS = {"scheduled": ScheduledSet, "retry": RetrySet}


def cancel(jid: str, client: Any = None) -> str:
    """Cancel the job *jid*, wherever it is; return "scheduled", "retry" or "waiting or running".

    "scheduled" and "retry" say that it was there, and is deleted. Otherwise it is dropped when it would
    start, or gets :class:`kiq.Cancelled` raised if it runs; whether there is such a job is not known.
    Walks through both sets: a round trip for 1,000 jobs. *client* as for ``kiq.api.connection``.
    Raises PayloadError for what is no jid, StoreError when Redis refuses.
    """
    _check(jid)
    home = connection(client)
    # First, so that a job which leaves its set meanwhile is caught when it would start.
    home.call(mark(jid))
    for place, jobs in _SETS.items():
        entry = jobs(home).find(jid)
        if entry is not None and entry.delete():
            return place
    return "waiting or running"


def _check(jid: str) -> None:
    shown = repr(jid)[:60]
    if not isinstance(jid, str) or not 0 < len(jid) <= _LONGEST:
        raise PayloadError(
            f"cancel takes the jid of one job (1 to {_LONGEST} characters, as perform_async returned "
            f"it), not {shown}"
        )
    try:
        jid.encode()
    except UnicodeEncodeError:
        raise PayloadError(f"{shown} can't be a jid: it is no valid text") from None
