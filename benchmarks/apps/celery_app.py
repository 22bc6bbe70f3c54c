"""The no-op task of Celery; run as a program, it sends so many."""

from __future__ import annotations

import os
import sys

from celery import Celery

_TTL = int(os.environ.get("BENCH_RESULT_TTL") or 0)
_URL = os.environ["REDIS_URL"]
app = Celery("celery_app", broker=_URL, backend=_URL if _TTL else None)
app.conf.update(
    task_ignore_result=not _TTL, worker_disable_rate_limits=True, result_expires=_TTL or None
)


@app.task(name="noop")
def noop(number: int) -> int | None:
    """Return at once; a number where results are measured."""
    return number if _TTL else None


def _push(jobs: int) -> None:
    with app.producer_or_acquire() as producer:
        for number in range(jobs):
            noop.apply_async((number,), producer=producer)


if __name__ == "__main__":
    _push(int(sys.argv[1]))
