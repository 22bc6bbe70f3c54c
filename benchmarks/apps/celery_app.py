"""The no-op task of Celery; run as a program, it sends so many."""

from __future__ import annotations

import os
import sys

from celery import Celery

app = Celery("celery_app", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, worker_disable_rate_limits=True)


@app.task(name="noop")
def noop(number: int) -> None:
    """Return at once."""


def _push(jobs: int) -> None:
    with app.producer_or_acquire() as producer:
        for number in range(jobs):
            noop.apply_async((number,), producer=producer)


if __name__ == "__main__":
    _push(int(sys.argv[1]))
