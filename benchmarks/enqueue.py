"""How fast a program pushes, beside the fastest that redis-py could do.

perform_async one job at a time, in turns with LPUSH of equally many bytes through redis.Redis and
its pool, 200 pushes each, so that both meet the same moments of the machine: the ratio is what to
look at. With one thread and with several, which share the client. And perform_bulk, whose jobs need
no round trip each. Each round makes one ratio; medians of all rounds are printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass

import redis
from parts import report
from parts.pushing import side_by_side
from parts.samples import Spread, figure, spread
from support import APPS, BenchmarkError, Server

import kiq

sys.path.insert(0, str(APPS))
from kiq_app import Noop

_SLICE = 200  # pushes of a thread until it is the other's turn
_BULK_FACTOR = 10  # a bulk round has so many times the jobs: it is that much faster


@dataclass(frozen=True, slots=True)
class Pushes:
    """Pushes a second with *threads* threads, and kiq's share of redis-py's, round by round."""

    threads: int
    kiq: Spread
    redis_py: Spread
    ratio: Spread


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument(
        "--jobs", type=report.positive, default=5_000, help="in a round, default %(default)s"
    )
    made.add_argument("--rounds", type=report.positive, default=5, help="default %(default)s")
    made.add_argument(
        "--threads", type=report.positive, nargs="+", default=[1, 8], help="default 1 8"
    )
    made.add_argument(
        "--transport", choices=("tcp", "unix"), default="tcp", help="default loopback tcp"
    )
    report.add_pinned(made, "the pushing process")
    arguments = made.parse_args()
    with Server() as server:
        if arguments.pinned:
            _pin()
        kiq.configure(redis=server.url(arguments.transport))
        bare = server.client(arguments.transport)
        singles = [_one_by_one(server, bare, arguments, count) for count in arguments.threads]
        bulk = _bulk(server, arguments)
        _show(singles, bulk)
        report.finish(arguments, server, {"one_by_one": singles, "bulk_jobs_per_second": bulk})


def _one_by_one(
    server: Server, bare: redis.Redis, arguments: argparse.Namespace, threads: int
) -> Pushes:
    slices = max(1, arguments.jobs // (threads * _SLICE))
    payload = _payload(server)

    def by_kiq(_thread: int) -> None:
        for number in range(_SLICE):
            Noop.perform_async(number)

    def by_redis_py(_thread: int) -> None:
        for _ in range(_SLICE):
            bare.lpush("bare", payload)

    side_by_side(by_kiq, threads)  # connections are opened, scripts loaded
    side_by_side(by_redis_py, threads)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(arguments.rounds):
        server.empty()
        turns = [(by_kiq, took_kiq := []), (by_redis_py, took_redis_py := [])]
        for _ in range(slices):
            for work, took in turns:
                took.append(side_by_side(work, threads))
            turns.reverse()  # who comes second may find the machine, or the server, changed
        pushes = slices * threads * _SLICE
        ours.append(pushes / sum(took_kiq))
        theirs.append(pushes / sum(took_redis_py))
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Pushes(threads, spread(ours), spread(theirs), spread(ratios))


def _bulk(server: Server, arguments: argparse.Namespace) -> Spread:
    count = arguments.jobs * _BULK_FACTOR
    jobs = [(number,) for number in range(count)]
    rates = []
    for _ in range(arguments.rounds):
        server.empty()
        rates.append(count / side_by_side(lambda _thread: Noop.perform_bulk(jobs), 1))
    return spread(rates)


def _payload(server: Server) -> bytes:
    """Push one job, and return the bytes that it became."""
    server.empty()
    Noop.perform_async(1)
    raw = server.client().rpop("queue:default")
    if not isinstance(raw, bytes):
        raise BenchmarkError("a job was pushed, and is not in queue:default")
    return raw


def _pin() -> None:
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("--pinned works on Linux only: leave it out here")
    os.sched_setaffinity(0, {0})


def _show(singles: list[Pushes], bulk: Spread) -> None:
    header = ("pushes/s", "perform_async", "redis-py lpush", "kiq / redis-py")
    rows = [
        (
            f"{pushes.threads} thread{'s' * (pushes.threads > 1)}",
            str(pushes.kiq),
            str(pushes.redis_py),
            str(pushes.ratio),
        )
        for pushes in singles
    ]
    print(report.table(header, rows))
    print(f"\nperform_bulk, 1 thread: {bulk} jobs/s")
    print(f"that is {figure(bulk.median / singles[0].kiq.median)} times perform_async")


if __name__ == "__main__":
    report.run(main)
