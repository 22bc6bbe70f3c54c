"""How late a periodic job starts: from its tick to its first line, in an idle fleet.

Entries that tick each whole second, all of them at once, in two processes, one of which is the leader.
Goal: p99 of 100 ms. All read the clock of one machine. Exit code 1 when the goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from parts import report
from parts.samples import percentiles
from support import APPS, BenchmarkError, Program, Server, environment, wait_until

sys.path.insert(0, str(APPS))
_GOAL = 100.0  # milliseconds
_WARM_UP = 5  # ticks


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--seconds", type=report.positive, default=60, help="default %(default)s")
    made.add_argument("--entries", type=report.positive, default=10, help="default %(default)s")
    arguments = made.parse_args()
    with Server() as server:
        late = _measured(server, arguments)
        figures = percentiles(late)
        print(f"{len(late)} starts after {arguments.entries} ticks a second, in ms:")
        for name, value in figures.items():
            print(f"{name:>5}: {value:.2f}")
        report.finish(arguments, server, {"milliseconds": figures})
    if sorted(late)[int(len(late) * 0.99)] > _GOAL:
        raise BenchmarkError(f"the goal is missed: p99 of {_GOAL:g} ms")


def _measured(server: Server, arguments: argparse.Namespace) -> list[float]:
    """Return how many milliseconds each start was later than its whole second."""
    server.empty()
    client = server.client()
    command = [sys.executable, "-m", "kiq", "-r", "kiq_ticks_app", "-c", "10"]
    variables = environment(
        server.url("unix"),
        KIQ_LOG_LEVEL="warning",
        KIQ_RUN_DIR=str(server.folder / "run"),
        BENCH_ENTRIES=str(arguments.entries),
    )
    wanted = (arguments.seconds + _WARM_UP) * arguments.entries
    with ExitStack() as stack:
        programs = [
            stack.enter_context(Program(command, server.folder, variables)) for _ in range(2)
        ]
        wait_until(
            lambda: client.llen("bench:starts") >= wanted,
            60 + arguments.seconds,
            "all ticks have run",
            interval=0.2,
            program=programs[0],
        )
    starts = [float(at) for at in client.lrange("bench:starts", 0, wanted - 1)]  # type: ignore[union-attr]
    return [(at % 1) * 1000 for at in starts[_WARM_UP * arguments.entries :]]


if __name__ == "__main__":
    report.run(main)
