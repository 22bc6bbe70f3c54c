"""The functions of RQ in the tests of features, and what its command ``cron`` reads."""

from __future__ import annotations

import os

from notes import note, work
from redis import Redis
from rq import Queue, Retry, cron
from rq.exceptions import DuplicateJobError
from rq.rate_limit import RateLimit

_TEST = os.environ["BENCH_TEST"]
_queue = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))


def task(key: str, ident: str) -> None:
    """Work."""
    work(key, ident)


def tick() -> None:
    """Note that it ran; it is not told for which tick."""
    note("tick", "-")


def push(key: str, ident: str) -> bool:
    """Enqueue a job whose id is the key, and tell whether there was none."""
    call = "rival_rq.task"
    if _TEST == "slots":
        slots = RateLimit("slots", 5)
        _queue.enqueue(call, key, ident, rate_limit=slots, retry=Retry(max=3), job_timeout=5)
        return True
    try:
        # Without a time-out of its own a job counts as running for minutes after its worker died.
        _queue.enqueue(
            call,
            key,
            ident,
            job_id=key,
            unique=True,
            result_ttl=0,
            retry=Retry(max=3),
            job_timeout=5,
        )
    except DuplicateJobError:
        return False
    return True


def called(key: str) -> None:
    """Be the callback of the batch *key*."""
    note("called", key)


def push_batch(key: str, idents: list[str]) -> None:
    """Enqueue the jobs, and one that depends on all of them."""
    jobs = _queue.enqueue_many(
        Queue.prepare_data("rival_rq.task", (key, ident), retry=Retry(max=3), timeout=5)
        for ident in idents
    )
    _queue.enqueue("rival_rq.called", key, depends_on=jobs, retry=Retry(max=3), job_timeout=5)


if _TEST == "periodic":
    cron.register(tick, queue_name="default", interval=int(os.environ["BENCH_PERIOD"]))
