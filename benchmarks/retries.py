"""How many failing jobs a kiq process deals with in a second, and what each of them costs.

In the manner of load.py: the jobs are pushed first, then a worker starts, and the clock runs from
the first settled jobs to the last. Each job raises, and then goes to the retry set (due in a year, so
that no second attempt gets in), or dies and goes to the dead set, which is cut to its usual 10,000.
Two kinds of failure: `plain`, one raise; `deep`, nine calls down, with a cause and locals of 10 kB.
Prints for each way the jobs a second, and for a job CPU time of the worker, script calls, commands
and round trips. The log of the worker goes to a file, at the default level: it has three lines for
each failure and a traceback a second, which is part of the cost; --log-level fatal leaves that out.
Exit code 1 when jobs are missing from the set that they should be in.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Any

from parts import contestant, report
from parts.drain import Drained, drain, python_folder
from parts.samples import Spread, figure, spread, spread_of_known
from support import BenchmarkError, Server

from kiq import keys

_DEAD_SET = 10_000  # the default of dead_max_jobs


@dataclass(frozen=True, slots=True)
class Way:
    """One way to fail: the *kind* of job that kiq_app pushes, and the *key* of the set it goes to."""

    name: str
    kind: str
    key: str

    def kept(self, jobs: int) -> int:
        """Return how many of so many failed jobs the set then holds."""
        return min(jobs, _DEAD_SET) if self.key == keys.DEAD else jobs


WAYS = (
    Way("plain, to the retry set", "breaks", keys.RETRY),
    Way("plain, dies", "breaks-for-good", keys.DEAD),
    Way("deep, to the retry set", "fails", keys.RETRY),
    Way("deep, dies", "fails-for-good", keys.DEAD),
)
_HEADER = ("failure", "jobs/s", "CPU µs/job", "scripts/job", "commands/job", "round trips/job")


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=60_000, help="default %(default)s")
    made.add_argument("--runs", type=report.positive, default=3, help="default %(default)s")
    made.add_argument(
        "--concurrency", type=report.positive, default=10, help="threads, default %(default)s"
    )
    made.add_argument(
        "--log-level",
        choices=("info", "warning", "error", "fatal"),
        default="info",
        help="of the worker",
    )
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        runs = _runs(server, arguments)
        summary = {way: _summary(found) for way, found in runs.items()}
        print(report.table(_HEADER, [_row(way, found) for way, found in summary.items()]))
        report.finish(arguments, server, {"summary": summary, "runs": runs})


def _runs(server: Server, arguments: argparse.Namespace) -> dict[str, list[Drained]]:
    runs: dict[str, list[Drained]] = {way.name: [] for way in WAYS}
    for number in range(1, arguments.runs + 1):
        for way in WAYS:
            drained = _run(server, arguments, way)
            runs[way.name].append(drained)
            print(f"run {number}, {way.name}: {figure(drained.jobs_per_second)} jobs/s", flush=True)
    return runs


def _run(server: Server, arguments: argparse.Namespace, way: Way) -> Drained:
    kiq = contestant.kiq(arguments.concurrency, arguments.jobs)
    failing = replace(
        kiq,
        name=f"kiq, with jobs that fail ({way.name}),",
        push=(*kiq.push, way.kind),
        environment={
            **kiq.environment,
            "KIQ_LOG_LEVEL": arguments.log_level,
            "KIQ_DEAD_MAX_JOBS": f"{_DEAD_SET}",
        },
    )
    drained = drain(server, failing, python_folder(), pinned=arguments.pinned)
    _check(server, way, arguments.jobs)
    return drained


def _check(server: Server, way: Way, jobs: int) -> None:
    """Raise BenchmarkError unless each job failed once, and is where it should be."""
    store = server.client()
    failed, in_set = _count(store.get(keys.STAT_FAILED)), _count(store.zcard(way.key))
    if (failed, in_set) != (jobs, way.kept(jobs)):
        raise BenchmarkError(
            f"{way.name}: of {jobs} jobs {failed} failed, and {in_set} are in the set {way.key!r}, "
            f"which should hold {way.kept(jobs)}: this measured something else"
        )


def _count(reply: Any) -> int:
    return int(reply or 0)


def _summary(runs: list[Drained]) -> dict[str, Spread | None]:
    return {
        "jobs/s": spread([run.jobs_per_second for run in runs]),
        "CPU µs/job": spread_of_known([run.cpu_us for run in runs]),
        "scripts/job": spread([run.scripts for run in runs]),
        "commands/job": spread([run.commands for run in runs]),
        "round trips/job": spread([run.round_trips for run in runs]),
    }


def _row(way: str, summary: dict[str, Spread | None]) -> tuple[str, ...]:
    return (way, *("not known" if value is None else str(value) for value in summary.values()))


if __name__ == "__main__":
    report.run(main)
