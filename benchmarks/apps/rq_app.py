"""The no-op function of RQ; run as a program, it enqueues so many calls."""

from __future__ import annotations

import os
import sys

from redis import Redis
from rq import Queue

_TTL = int(os.environ.get("BENCH_RESULT_TTL") or 0)


def noop(number: int) -> int | None:
    """Return at once; a number where results are measured."""
    return number if _TTL else None


def _push(jobs: int) -> None:
    queue = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))
    # No results, as a rule: nobody reads them here, and the others keep none either.
    calls = [
        Queue.prepare_data("rq_app.noop", (number,), result_ttl=_TTL, failure_ttl=0)
        for number in range(jobs)
    ]
    queue.enqueue_many(calls)


if __name__ == "__main__":
    _push(int(sys.argv[1]))
