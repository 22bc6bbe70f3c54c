"""Whether queues get their due, and processes share what there is.

weighted  queues of weights 6, 3 and 1, filled beforehand with payloads of 100 B, and of 100 B and
          10 kB in three mixtures (takes up to 800 MB in Redis; --jobs): the share of each queue in
          the first 100,000 jobs, while none is empty. Goal: within 2 percentage points. The widest
          difference in any tenth of the jobs is printed as well
strict    three queues, filled beforehand: how many jobs of a lower queue start though an upper one
          has some. Goal: none. Then jobs come to the upper queue one by one while a lower one is full:
          how long they wait, and how many lower ones, fetched before they came, start meanwhile
hoarding  two processes of 10 threads; bursts of jobs that take 200 ms or no time: for how long one
          process could start a job (a thread is free, and nothing waits for it there) while the other
          one holds jobs that have not started. Goal: 150 ms at most. Seen from outside, every few ms
          (printed), by the in-flight hashes in Redis and by the times that the jobs note

Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from parts import report
from parts.samples import percentiles
from support import APPS, BenchmarkError, Server

import kiq

sys.path.insert(0, str(APPS))
from parts.hoarding import Hoarded, hoarding
from parts.strict_order import arrivals, overtakers
from parts.weighted_shares import MIXES, Shares, weighted_shares

_WEIGHTS = {"high": 6, "middle": 3, "low": 1}
_WITHIN = 2.0  # percentage points
_LONGEST_IDLE = 0.150  # seconds


@dataclass(frozen=True, slots=True)
class Figure:
    """What one case came to: *missed* says which goal it misses and by how much, if it does."""

    case: str
    missed: str | None
    found: Any


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument(
        "--jobs", type=report.positive, default=100_000, help="weighted, default %(default)s"
    )
    made.add_argument(
        "--strict-jobs", type=report.positive, default=30_000, help="a queue, default %(default)s"
    )
    made.add_argument(
        "--arrivals", type=report.positive, default=200, help="to the upper queue, %(default)s"
    )
    made.add_argument(
        "--bursts",
        type=report.positive,
        default=40,
        help="of about 1,000 jobs, default %(default)s",
    )
    made.add_argument("--runs", type=report.positive, default=3, help="default %(default)s")
    made.add_argument("--only", action="append", choices=CASES, help="default all; may be repeated")
    arguments = made.parse_args()
    figures: list[Figure] = []
    with Server() as server:
        # By the unix socket: pushing is no part of what is measured.
        kiq.configure(redis=server.url("unix"))
        for name in arguments.only or CASES:
            figures += CASES[name](server, arguments)
        report.finish(arguments, server, figures)
    missed = [f"{figure.case}: {figure.missed}" for figure in figures if figure.missed]
    if missed:
        raise BenchmarkError(f"goals are missed: {'; '.join(missed)}")


def _weighted(server: Server, arguments: argparse.Namespace) -> Iterator[Figure]:
    print(f"weighted: shares in %, of queues with weights {_WEIGHTS}")
    for mix in MIXES:
        for _ in range(arguments.runs):
            found = weighted_shares(server, _WEIGHTS, mix, arguments.jobs)
            print(f"  {mix}, {found.jobs:,} jobs: {_shares_in_words(found)}", flush=True)
            yield Figure(f"weighted, {mix}", _misses_shares(found, arguments.jobs), found)


def _misses_shares(found: Shares, jobs: int) -> str | None:
    if found.points > _WITHIN:
        return f"{found.points:.2f} points from the weights, {_WITHIN:g} are allowed"
    # A queue that runs out early has had more than its due.
    return None if found.jobs == jobs else f"a queue ran out after {found.jobs} of {jobs} jobs"


def _shares_in_words(found: Shares) -> str:
    return ", ".join(
        f"{share.queue} {share.observed * 100:.2f} of {share.expected * 100:.0f} "
        f"(a tenth: {share.widest * 100:.2f} off)"
        for share in found.queues
    )


def _strict(server: Server, arguments: argparse.Namespace) -> Iterator[Figure]:
    for _ in range(arguments.runs):
        count = overtakers(server, arguments.strict_jobs)
        print(f"strict: {count} jobs started before their turn", flush=True)
        missed = f"{count} jobs started before their turn" if count else None
        yield Figure("strict, filled beforehand", missed, {"overtakers": count})
    found = arrivals(server, arguments.arrivals)
    waited = percentiles([each.waited * 1000 for each in found])
    meanwhile = percentiles([each.started_meanwhile for each in found])
    print(f"strict: an upper job waits, in ms: {_in_words(waited)}")
    print(f"strict: lower jobs, fetched before, that start meanwhile: {_in_words(meanwhile)}")
    results = {"waited_ms": waited, "lower_jobs_meanwhile": meanwhile}
    yield Figure("strict, arrivals", None, results)


def _hoarding(server: Server, arguments: argparse.Namespace) -> Iterator[Figure]:
    runs = []
    for number in range(1, arguments.runs + 1):
        found = hoarding(server, arguments.bursts)
        runs.append(found)
        print(f"hoarding, run {number}: {_hoarded_in_words(found)}", flush=True)
    idle = [*chain.from_iterable(run.idle for run in runs)]
    longest = max(idle, default=0.0)
    missed = None
    if longest > _LONGEST_IDLE:
        missed = f"{longest * 1000:.0f} ms beside a full buffer, {_LONGEST_IDLE * 1000:g} allowed"
    yield Figure("hoarding", missed, [_hoarded_in_figures(run) for run in runs])


def _hoarded_in_figures(found: Hoarded) -> dict[str, Any]:
    return {
        "jobs": found.jobs,
        "between_looks_ms": _milliseconds(found.gaps),
        "by_process": found.by_process,
        "idle_spans": len(found.idle),
        "idle_ms": _milliseconds(found.idle),
        "fast_jobs_met": len(found.waited),
        "waited_ms": _milliseconds(found.waited),
    }


def _hoarded_in_words(found: Hoarded) -> str:
    one, other = found.by_process
    return (
        f"{found.jobs:,} jobs ({one:,} and {other:,}); in ms:\n"
        f"  between two looks: {_in_words(_milliseconds(found.gaps))}\n"
        f"  idle beside jobs that the other one held, {len(found.idle)} times: "
        f"{_in_words(_milliseconds(found.idle))}\n"
        f"  fast jobs that waited so, {len(found.waited):,}: "
        f"{_in_words(_milliseconds(found.waited))}"
    )


def _milliseconds(seconds: list[float]) -> dict[str, float]:
    return percentiles([each * 1000 for each in seconds or [0.0]])


def _in_words(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in figures.items())


CASES: dict[str, Callable[[Server, argparse.Namespace], Iterator[Figure]]] = {
    "weighted": _weighted,
    "strict": _strict,
    "hoarding": _hoarding,
}


if __name__ == "__main__":
    report.run(main)
