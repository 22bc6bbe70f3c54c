"""What share of the bare loop kiq reaches.

The bare loop fetches batches, decodes, calls a function and settles batches with redis-py, and does
nothing else: the limit of this design in this interpreter. kiq and it drain queues of no-op jobs in
turns, in one run; the ratio of each pair is what to look at. Run it free and with --pinned.
"""

from __future__ import annotations

import argparse

from parts import contestant, report
from parts.drain import drain, python_folder
from parts.samples import figure, spread
from support import Server


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=300_000, help="default %(default)s")
    made.add_argument("--runs", type=report.positive, default=3, help="default %(default)s")
    made.add_argument(
        "--concurrency", type=report.positive, default=10, help="of kiq, default %(default)s"
    )
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        rates = _rates(server, arguments)
        ours, limit = rates["kiq"], rates["bare loop"]
        share = spread([a / b for a, b in zip(ours, limit, strict=True)])
        print(f"kiq        {spread(ours)} jobs/s")
        print(f"bare loop  {spread(limit)} jobs/s")
        print(f"share      {share}")
        report.finish(arguments, server, {"rates": rates, "share": share})


def _rates(server: Server, arguments: argparse.Namespace) -> dict[str, list[float]]:
    turns = [
        contestant.kiq(arguments.concurrency, arguments.jobs),
        contestant.bare_loop(arguments.jobs),
    ]
    rates: dict[str, list[float]] = {each.name: [] for each in turns}
    for number in range(1, arguments.runs + 1):
        for each in turns:
            drained = drain(server, each, python_folder(), pinned=arguments.pinned)
            rates[each.name].append(drained.jobs_per_second)
            print(f"run {number}, {each.name}: {figure(drained.jobs_per_second)}/s", flush=True)
        turns.reverse()  # who comes second may find the machine changed
    return rates


if __name__ == "__main__":
    report.run(main)
