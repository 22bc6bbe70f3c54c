"""How fast one kiq process drains a queue of no-op jobs.

In the manner of sidekiqload: the jobs are pushed first, then a real `kiq` process starts at log
level warning, and the clock runs from the first settled jobs to the last (stat:processed). Prints
for each run jobs a second, CPU time of the worker for a job, its largest size, and what a job costs
Redis: script calls, the commands inside them, and round trips. Run it free and with --pinned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from parts import contestant, report
from parts.drain import Drained, drain, python_folder
from parts.samples import Spread, figure, spread, spread_of_known
from support import Server


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=100_000, help="default %(default)s")
    made.add_argument("--runs", type=report.positive, default=3, help="default %(default)s")
    made.add_argument(
        "--concurrency", type=report.positive, default=10, help="threads, default %(default)s"
    )
    made.add_argument(
        "--transport", choices=("tcp", "unix"), default="tcp", help="default loopback tcp"
    )
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        runs = [_run(server, arguments, number) for number in range(1, arguments.runs + 1)]
        summary = _summary(runs)
        for name, value in summary.items():
            print(f"{name:>22}: {value if value is not None else 'not known on this system'}")
        report.finish(arguments, server, {"summary": summary, "runs": runs})


def _run(server: Server, arguments: argparse.Namespace, number: int) -> Drained:
    kiq = contestant.kiq(arguments.concurrency, arguments.jobs)
    folder: Path = python_folder()
    drained = drain(server, kiq, folder, pinned=arguments.pinned, transport=arguments.transport)
    print(f"run {number}: {figure(drained.jobs_per_second)} jobs/s", flush=True)
    return drained


def _summary(runs: list[Drained]) -> dict[str, Spread | None]:
    megabytes = [run.memory and run.memory / 1e6 for run in runs]
    return {
        "jobs/s": spread([run.jobs_per_second for run in runs]),
        "worker CPU µs/job": spread_of_known([run.cpu_us for run in runs]),
        "worker size MB": spread_of_known(megabytes),
        "script calls/job": spread([run.scripts for run in runs]),
        "commands in them/job": spread([run.commands for run in runs]),
        "round trips/job": spread([run.round_trips for run in runs]),
    }


if __name__ == "__main__":
    report.run(main)
