"""How soon an idle worker starts a job that is pushed.

One job at a time, with random pauses of 20 to 80 ms, so that the worker sleeps before each. The
time runs from just before perform_async to the first line of the job (both read the monotonic
clock, which the processes of a machine share), so it holds the push as well. Prints percentiles.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from parts import report
from parts.idle_worker import Journal, idle_worker
from parts.samples import percentiles
from support import APPS, Server

import kiq

sys.path.insert(0, str(APPS))
from kiq_app import Stamp

_WARM_UP = 20
_SHORTEST, _LONGEST = 0.020, 0.080  # seconds
_LAST_SECONDS = 10.0


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument("--jobs", type=report.positive, default=500, help="default %(default)s")
    made.add_argument(
        "--concurrency", type=report.positive, default=10, help="threads, default %(default)s"
    )
    made.add_argument(
        "--transport", choices=("tcp", "unix"), default="tcp", help="default loopback tcp"
    )
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        milliseconds = [late * 1000 for late in _measure(server, arguments)]
        figures = percentiles(milliseconds)
        print(f"{len(milliseconds)} jobs, from push to start, in ms:")
        for name, value in figures.items():
            print(f"{name:>5}: {value:.2f}")
        report.finish(arguments, server, {"milliseconds": figures})


def _measure(server: Server, arguments: argparse.Namespace) -> list[float]:
    """Return the seconds that each job took to start."""
    kiq.configure(redis=server.url(arguments.transport))
    journal = Journal(server.folder / "journal")
    total = _WARM_UP + arguments.jobs
    with idle_worker(
        server,
        journal,
        concurrency=arguments.concurrency,
        pinned=arguments.pinned,
        transport=arguments.transport,
    ) as program:
        pushed = [_push(number) for number in range(total)]
        starts = journal.starts(total, _LAST_SECONDS, program)
    return [starts[number].at - pushed[number] for number in range(_WARM_UP, total)]


def _push(number: int) -> float:
    """Pause, push job *number*, and return when."""
    time.sleep(random.uniform(_SHORTEST, _LONGEST))
    now = time.monotonic()
    Stamp.perform_async(number)
    return now


if __name__ == "__main__":
    report.run(main)
