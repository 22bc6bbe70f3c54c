"""Whether limits use what they allow, and no more: jobs against an API that counts by the same clock.

100 calls in any second are allowed (a sliding window); the 101st is punished. 8 processes of 10 threads
work on jobs that were pushed in one go. class: a limit of the job class; block: ``with limiter:`` around
the call, in 80 threads that wait. Goals: no call is punished, and at least 95 % of the rate is used, from
the first call to the last. All hundred come at once each second: one that is missed once costs the run a
second at its end. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from parts import report
from support import APPS, BenchmarkError, Program, Server, environment, wait_until

import kiq

sys.path.insert(0, str(APPS))
from kiq_limits_app import PER, SIZE, ByBlock, ByClass

_LEAST = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """What one way came to: *used* is the part of the allowed rate, *asked* how often limits were asked."""

    way: str
    calls: int
    seconds: float
    used: float
    punished: int
    asked: int


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=3000, help="default %(default)s")
    made.add_argument("--processes", type=report.positive, default=8, help="default %(default)s")
    arguments = made.parse_args()
    with Server() as server:
        kiq.configure(redis=server.url("unix"))
        figures = [
            _measured(server, way, job, arguments)
            for way, job in (("class", ByClass), ("block", ByBlock))
        ]
        report.finish(arguments, server, figures)
    missed = [one.way for one in figures if one.punished or one.used < _LEAST]
    if missed:
        raise BenchmarkError(f"goals are missed: {', '.join(missed)}")


def _measured(server: Server, way: str, job: Any, arguments: argparse.Namespace) -> Figure:
    server.empty()
    client = server.client()
    command = [
        *(sys.executable, "-m", "kiq", "-r", "kiq_limits_app", "-c", "10", "-q", "default"),
    ]
    variables = environment(
        server.url("unix"), KIQ_LOG_LEVEL="warning", KIQ_RUN_DIR=str(server.folder / "run")
    )
    with ExitStack() as stack:
        programs = [
            stack.enter_context(Program(command, server.folder, variables))
            for _ in range(arguments.processes)
        ]
        wait_until(
            lambda: client.scard("processes") == arguments.processes, 60, "all processes are there"
        )
        job.perform_bulk([(number,) for number in range(arguments.jobs)])
        wait_until(
            lambda: client.llen("bench:calls") >= arguments.jobs,
            60 + 3 * arguments.jobs * PER / SIZE,
            "all calls are made",
            interval=0.05,
            program=programs[0],
        )
    times = [float(at) for at in client.lrange("bench:calls", 0, -1)]  # type: ignore[union-attr]
    facts: Any = client.hgetall(f"kiq:limit-facts:window:{way}:")
    asked = sum(int(facts.get(name, 0)) for name in (b"taken", b"refused"))
    seconds = times[-1] - times[0]
    # Of the first hundred all may come at once.
    used = (len(times) - SIZE) * PER / SIZE / seconds
    punished = int(client.get("bench:punished") or 0)  # type: ignore[arg-type]
    print(
        f"{way}: {len(times):,} calls in {seconds:.2f} s, {used:.1%} of the rate, {punished} punished, "
        f"asked {asked / len(times):.2f} times a call",
        flush=True,
    )
    return Figure(way, len(times), round(seconds, 3), round(used, 4), punished, asked)


if __name__ == "__main__":
    report.run(main)
