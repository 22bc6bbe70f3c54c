"""What the metrics of each job cost: no-op drains with and without the plugin, in pairs.

Each pair runs in turns, in one run, on one server; the order alternates. The ratio of a pair (with /
without) is what to look at, and their median: one pair tells nothing on a busy machine. With --layer
it measures the layer alone, in this process and without Redis: nanoseconds that it adds to a job.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from parts import contestant, report
from parts.contestant import Contestant
from parts.drain import drain, python_folder
from parts.samples import figure, spread
from support import Server

from kiq.middleware import Chain, ServerContext
from kiq.plugins.metrics.layer import Measuring
from kiq.plugins.metrics.tally import Tally

_BATCH = 5_000  # runs between two looks at the clock


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=300_000, help="default %(default)s")
    made.add_argument("--runs", type=report.positive, default=9, help="pairs, default %(default)s")
    made.add_argument(
        "--concurrency", type=report.positive, default=10, help="threads, default %(default)s"
    )
    made.add_argument("--layer", action="store_true", help="the layer alone")
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        results = {"layer ns/job": layer()} if arguments.layer else _pairs(server, arguments)
        for name, value in results.items():
            print(f"{name:>16}  {value}")
        report.finish(arguments, server, results)


def _pairs(server: Server, arguments: argparse.Namespace) -> dict[str, Any]:
    usual = contestant.kiq(arguments.concurrency, arguments.jobs)
    without = replace(usual, environment={**usual.environment, "KIQ_DISABLE_PLUGINS": "metrics"})
    turns: list[tuple[str, Contestant]] = [("with", usual), ("without", without)]
    rates: dict[str, list[float]] = {name: [] for name, _ in turns}
    for number in range(1, arguments.runs + 1):
        for name, each in turns:
            drained = drain(server, each, python_folder(), pinned=arguments.pinned)
            rates[name].append(drained.jobs_per_second)
            print(f"pair {number}, {name}: {figure(drained.jobs_per_second)}/s", flush=True)
        turns.reverse()  # who comes second may find the machine changed
    ratios = [a / b for a, b in zip(rates["with"], rates["without"], strict=True)]
    return {**{name: spread(found) for name, found in rates.items()}, "ratio": spread(ratios)}


def layer() -> float:
    """Return the nanoseconds that the layer adds to a job, its folding included: the best of many."""
    stamp = int(time.time() * 1000)
    payload = {"class": "HardWorker", "args": [1], "jid": "b4a577ed", "enqueued_at": stamp}
    contexts = [ServerContext(dict(payload), "default", object, None) for _ in range(_BATCH)]
    tally = Tally()
    chain: Chain[ServerContext] = Chain()
    chain.add(Measuring(tally))
    measured = chain.fold(_nothing)

    def once(perform: Callable[[ServerContext], Any]) -> float:
        began = time.perf_counter()
        for context in contexts:
            perform(context)
        tally.gather(time.monotonic())  # what a job leaves to be folded is a part of its cost
        return (time.perf_counter() - began) / _BATCH * 1e9

    return round(min(once(measured) for _ in range(200)) - min(once(_nothing) for _ in range(200)))


def _nothing(context: ServerContext) -> None: ...


if __name__ == "__main__":
    report.run(main)
