"""Redis is away while a worker is at work: how long after its return until it works again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import kiq_app

import kiq
from parts.away_server import AwayServer
from parts.dead_worker import worker
from parts.trail import Mark, Trail

_JOB_SECONDS = 0.02
_JOBS = 4_000  # enough for ten threads and eight seconds
_BEFORE = 200  # jobs that have ended when Redis goes away: the worker is in full swing
_FIRST = "first"  # the queue that has precedence
_SECONDS = 60.0  # what takes longer after the return is no figure, but a fault


@dataclass(frozen=True, slots=True)
class Return:
    """Seconds from Redis's return to the start of the first job that was fetched after it, and to
    the first end of a job that began after it."""

    fetch: float
    end: float


def after_outage(
    server: AwayServer, be_away: Callable[[], float], url: str | None = None
) -> Return:
    """Let *be_away* take *server* from a busy worker; it returns when the server is back.

    Right then a job is pushed to a queue that the worker takes first: whatever was fetched before,
    or is still on its way, this one has been fetched after the return. The worker reaches the server
    by *url*, if that is not the server's own.
    """
    server.empty()
    kiq.configure(redis=server.url("unix"))
    trail = Trail(server.folder)
    witness = _JOBS
    kiq_app.Trace.perform_bulk([(number, _JOB_SECONDS) for number in range(_JOBS)])
    with worker(server, trail, queues=f"{_FIRST},default", url=url) as program:

        def wait(count: int, wanted: Callable[[Mark], bool], what: str) -> list[Mark]:
            return trail.wait(count, wanted, _SECONDS, what, program)

        wait(_BEFORE, lambda mark: mark.what == "end", "the worker is at work")
        back = be_away()
        kiq_app.Trace.set(queue=_FIRST).perform_async(witness, _JOB_SECONDS)
        fetched, *_ = wait(
            1,
            lambda mark: mark.number == witness and mark.what == "start",
            "a job that was pushed after Redis's return starts",
        )
        began = {mark.number for mark in trail.marks() if mark.what == "start" and mark.at > back}
        ended, *_ = wait(
            1,
            lambda mark: mark.what == "end" and mark.at > back and mark.number in began,
            "a job ends after Redis's return",
        )
        return Return(fetched.at - back, ended.at - back)
