"""What share of its threads' time kiq gives to jobs that wait, as most jobs do.

Jobs that sleep 10 and 100 ms (as if for a database or a service) are pushed, then a kiq process with
10, 50 and 200 threads starts. Efficiency is the ideal time, jobs x sleep / threads, divided by the
real one: from the start of the first job to the end of the last, as the jobs themselves note it. The
ideal takes the sleep as it was asked for: what the system's timer adds counts as lost, and is printed
beside it. So does the end, where threads run out of jobs one after another: it costs one sleep in
--seconds at most. Goals for the median of the runs: 0.97 at 10 threads, 0.93 at 50; none at 200,
where one CPU may be full (see CPU us/job). Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from itertools import product

from parts import report
from parts.journal_of_times import TimesJournal, settled, timed_worker, wait_until_settled
from parts.samples import Spread, figure, spread, spread_of_known
from support import APPS, BenchmarkError, Program, Server, wait_until

import kiq

sys.path.insert(0, str(APPS))
from kiq_app import Timed

_SLEEPS = (10, 100)  # milliseconds
_CREWS = (10, 50, 200)  # threads
_GOALS = {10: 0.97, 50: 0.93}
_SLOWEST = 20.0  # times the ideal time: what takes longer still is no figure, but a fault
_START_SECONDS = 30.0
_HEADER = ("sleep", "threads", "efficiency", "goal", "", "jobs/s", "slept, ms", "CPU µs/job")


@dataclass(frozen=True, slots=True)
class Run:
    """One drain. *slept* is the median of what the sleeps really took, in seconds; *cpu_us* the CPU
    time of the worker's process for a job, in microseconds, None where that is not told."""

    efficiency: float
    jobs_per_second: float
    slept: float
    cpu_us: float | None


@dataclass(frozen=True, slots=True)
class Figure:
    """What the runs of one case came to; *goal* is None where nothing is promised."""

    milliseconds: int
    threads: int
    goal: float | None
    efficiency: Spread
    runs: list[Run]

    @property
    def missed(self) -> bool:
        """Whether the median of the runs is less than promised."""
        return self.goal is not None and self.efficiency.median < self.goal

    def row(self) -> tuple[str, ...]:
        """Return the figure as a row of a table."""
        goal = "" if self.goal is None else f"{self.goal:g}"
        cpu = spread_of_known([run.cpu_us for run in self.runs])
        return (
            f"{self.milliseconds} ms",
            str(self.threads),
            str(self.efficiency),
            goal,
            "" if self.goal is None else "missed" if self.missed else "met",
            str(spread([run.jobs_per_second for run in self.runs])),
            f"{statistics.median(run.slept for run in self.runs) * 1000:.2f}",
            "not known" if cpu is None else str(cpu),
        )


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument(
        "--seconds", type=report.positive, default=10, help="ideal time of a drain, %(default)s"
    )
    made.add_argument("--runs", type=report.positive, default=3, help="default %(default)s")
    made.add_argument(
        "--sleep",
        type=int,
        choices=_SLEEPS,
        action="append",
        help="ms, default all; may be repeated",
    )
    made.add_argument(
        "--concurrency", type=int, choices=_CREWS, action="append", help="threads, in the same way"
    )
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        # By the unix socket: pushing is no part of what is measured.
        kiq.configure(redis=server.url("unix"))
        cases = product(arguments.sleep or _SLEEPS, arguments.concurrency or _CREWS)
        figures = [_figure(server, arguments, *case) for case in cases]
        print(report.table(_HEADER, [figure.row() for figure in figures], words=0))
        report.finish(arguments, server, figures)
    missed = [f"{one.milliseconds} ms at {one.threads} threads" for one in figures if one.missed]
    if missed:
        raise BenchmarkError(f"goals are missed: {'; '.join(missed)}")


def _figure(
    server: Server, arguments: argparse.Namespace, milliseconds: int, threads: int
) -> Figure:
    runs = []
    for number in range(1, arguments.runs + 1):
        run = _run(server, arguments, milliseconds / 1000, threads)
        runs.append(run)
        print(
            f"run {number}, {milliseconds} ms, {threads} threads: {figure(run.efficiency)}",
            flush=True,
        )
    return Figure(
        milliseconds, threads, _GOALS.get(threads), spread([run.efficiency for run in runs]), runs
    )


def _run(server: Server, arguments: argparse.Namespace, sleep: float, threads: int) -> Run:
    server.empty()
    journal = TimesJournal(server.folder)
    rounds = max(1, round(arguments.seconds / sleep))
    jobs, ideal = rounds * threads, rounds * sleep
    Timed.perform_bulk((number, sleep) for number in range(jobs))
    with timed_worker(server, journal, threads, "default", pinned=arguments.pinned) as program:
        cpu_us = _drain(server, program, jobs, ideal)
    ran = journal.by_start()
    if len(ran) != jobs:
        raise BenchmarkError(f"{len(ran)} jobs ran, of {jobs} pushed: this is no measurement")
    seconds = max(each.end for each in ran) - ran[0].start
    slept = statistics.median(each.end - each.start for each in ran)
    return Run(ideal / seconds, jobs / seconds, slept, cpu_us)


def _drain(server: Server, program: Program, jobs: int, ideal: float) -> float | None:
    """Wait until all *jobs* are settled; return the worker's CPU time for one of them."""
    store = server.client()
    wait_until(lambda: settled(store), _START_SECONDS, "a job is settled", program=program)
    already, before = settled(store), program.cpu_seconds()
    wait_until_settled(store, jobs, ideal * _SLOWEST + _START_SECONDS, program)
    after = program.cpu_seconds()
    if before is None or after is None or already >= jobs:
        return None
    return (after - before) / (jobs - already) * 1e6


if __name__ == "__main__":
    report.run(main)
