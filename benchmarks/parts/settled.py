"""How many of so many pushed jobs a peer has settled, as Redis tells it at one moment.

What is removed as it is taken, or acknowledged as it starts, counts a little too early: by as many
jobs as the peer holds, a few of thousands.
"""

from __future__ import annotations

import redis

from parts.contestant import answer


def by_celery(store: redis.Redis, pushed: int) -> int:
    """Return what is neither queued nor unacknowledged; both are looked at in one transaction."""
    with store.pipeline() as both:
        both.llen("celery")
        both.hlen("unacked")
        queued, unacked = both.execute()
    return pushed - int(queued) - int(unacked)


def by_huey(store: redis.Redis, pushed: int) -> int:
    """Return what has been taken from the list: Huey keeps nothing while a job runs."""
    return pushed - int(answer(store.llen("huey.redis.bench")))


def by_sidekiq(store: redis.Redis, pushed: int) -> int:
    """Return what has been taken from the list; its own counter is written every ten seconds only."""
    return pushed - int(answer(store.llen("queue:default")))


def by_bullmq(store: redis.Redis, pushed: int) -> int:
    """Return what neither waits nor is active; both are looked at in one transaction."""
    with store.pipeline() as both:
        both.llen("bull:bench:wait")
        both.llen("bull:bench:active")
        waiting, active = both.execute()
    return pushed - int(waiting) - int(active)


def by_taskiq_list(store: redis.Redis, pushed: int) -> int:
    """Return what has been taken from the list: nothing is kept while a job runs."""
    return pushed - int(answer(store.llen("taskiq")))


def by_taskiq_stream(store: redis.Redis, pushed: int) -> int:  # noqa: ARG001 (a Settled)
    """Return what the group has read and acknowledged."""
    group, *_ = answer(store.xinfo_groups("taskiq"))
    return int(group["entries-read"] or 0) - int(group["pending"])


def by_arq(store: redis.Redis, pushed: int) -> int:
    """Return what has left the queue, where a job stays while it runs."""
    return pushed - int(answer(store.zcard("arq:queue")))


def by_saq(store: redis.Redis, pushed: int) -> int:
    """Return what is no longer incomplete: queued or active."""
    return pushed - int(answer(store.zcard("saq:default:incomplete")))


def by_dramatiq(store: redis.Redis, pushed: int) -> int:
    """Return what is acknowledged, and so without its message."""
    return pushed - int(answer(store.hlen("dramatiq:default.msgs")))


def by_rq(store: redis.Redis, pushed: int) -> int:  # noqa: ARG001 (a Settled)
    """Return what its worker says."""
    return int(answer(store.hget("rq:worker:bench", "successful_job_count")) or 0)
