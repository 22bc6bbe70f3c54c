"""The job processors that drain a queue of no-op jobs: kiq, and the table of its peers.

A peer is one entry in PEERS and one file in apps/, which pushes when it is run as a program. Add
one when it can be installed from the package index and its settled jobs can be counted in Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

#: Returns how many of so many pushed jobs are settled: run, and forgotten by their queue.
Settled = Callable[[redis.Redis, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One job processor in one arrangement.

    In commands, ``{bin}`` is the folder with its Python, ``{url}`` the server, ``{jobs}`` how many.
    *packages* are what its virtual environment *home* holds; kiq itself has none.
    """

    name: str
    arrangement: str
    jobs: int
    push: tuple[str, ...]
    worker: tuple[str, ...]
    settled: Settled
    home: str = ""
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def kiq(concurrency: int, jobs: int) -> Contestant:
    """Return kiq, with one process of *concurrency* threads."""
    return Contestant(
        name="kiq",
        arrangement=f"1 process, {concurrency} threads",
        jobs=jobs,
        push=("{bin}/python", "-m", "kiq_app", "{jobs}"),
        worker=("{bin}/python", "-m", "kiq", "-r", "kiq_app", "-c", f"{concurrency}"),
        settled=_counted_by_kiq,
        environment={"KIQ_LOG_LEVEL": "warning", "KIQ_QUEUES": "default"},
    )


def bare_loop(jobs: int) -> Contestant:
    """Return what kiq is held to as the limit of its design; see apps/bare_loop.py."""
    return Contestant(
        name="bare loop",
        arrangement="1 process, 1 thread, nothing but the loop",
        jobs=jobs,
        push=("{bin}/python", "-m", "kiq_app", "{jobs}"),
        worker=("{bin}/python", "-m", "bare_loop"),
        settled=_counted_by_kiq,
    )


def _counted_by_kiq(store: redis.Redis, pushed: int) -> int:  # noqa: ARG001 (a Settled)
    # GETRANGE, because kiq does not use it: what looking costs can be told from what working costs.
    return int(_answer(store.getrange("stat:processed", 0, -1)) or 0)


def _acknowledged_by_dramatiq(store: redis.Redis, pushed: int) -> int:
    return pushed - int(_answer(store.hlen("dramatiq:default.msgs")))


def _counted_by_rq(store: redis.Redis, pushed: int) -> int:  # noqa: ARG001 (a Settled)
    return int(_answer(store.hget("rq:worker:bench", "successful_job_count")) or 0)


def _answer(reply: Any) -> Any:
    # redis-py types its replies as perhaps awaitable; those of its plain client never are.
    return reply


def _dramatiq(processes: int, threads: int) -> Contestant:
    # Retries and time limits stay on, as with kiq: they are its defaults, and what people run.
    crew = f"{threads} threads" if processes == 1 else f"{threads} threads each"
    plural = "es" if processes > 1 else ""
    return Contestant(
        name=f"dramatiq-{processes}",
        arrangement=f"{processes} process{plural}, {crew}",
        jobs=5_000,
        push=("{bin}/python", "-m", "dramatiq_app", "{jobs}"),
        worker=(
            *("{bin}/dramatiq", "dramatiq_app", "--skip-logging"),
            *("--processes", f"{processes}", "--threads", f"{threads}"),
        ),
        settled=_acknowledged_by_dramatiq,
        home="dramatiq",
        packages=("dramatiq[redis]", "hiredis"),
    )


def _rq(name: str, worker_class: str, arrangement: str) -> Contestant:
    return Contestant(
        name=name,
        arrangement=arrangement,
        jobs=500,
        push=("{bin}/python", "-m", "rq_app", "{jobs}"),
        worker=(
            *("{bin}/rq", "worker", "default", "--url", "{url}", "--name", "bench", "--quiet"),
            *("--disable-job-desc-logging", "--worker-class", worker_class),
        ),
        settled=_counted_by_rq,
        home="rq",
        packages=("rq", "hiredis"),
    )


PEERS = (
    _dramatiq(1, 10),
    _dramatiq(2, 8),
    _rq("rq-simple", "rq.worker.SimpleWorker", "1 process, without forking"),
    _rq("rq-fork", "rq.worker.Worker", "1 process, forks for each job (its default)"),
)
