"""How late scheduled jobs start, and how many due jobs a second are promoted.

Lateness: jobs are scheduled at even distances over ten seconds, and an idle worker runs them; from
the time that a job was scheduled for to its first line, by the wall clock. Promotion: many jobs are
due at one moment, in a queue that the worker does not take, so that only its poller has work; the
clock runs from the first of them in that queue to the last.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from parts import report
from parts.idle_worker import Journal, idle_worker
from parts.samples import figure, percentiles
from support import APPS, BenchmarkError, Program, Server, wait_until

import kiq
from kiq import keys

sys.path.insert(0, str(APPS))
from kiq_app import Noop, Stamp

_LEAD = 2.0  # seconds until the first job is due: all must have been pushed by then
_ASIDE = "aside"  # a queue that the worker does not take
_LAST_SECONDS = 60.0


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument(
        "--jobs", type=report.positive, default=1_000, help="for lateness, default %(default)s"
    )
    made.add_argument(
        "--seconds", type=report.positive, default=10, help="over which, default %(default)s"
    )
    made.add_argument(
        "--due", type=report.positive, default=20_000, help="for promotion, default %(default)s"
    )
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        kiq.configure(redis=server.url())
        journal = Journal(server.folder / "journal")
        with idle_worker(server, journal, concurrency=10, pinned=arguments.pinned) as program:
            late = _lateness(journal, program, arguments)
            rate = _promotion(server, program, arguments.due)
        print(f"{arguments.jobs} jobs over {arguments.seconds} s, lateness in ms:")
        for name, value in late.items():
            print(f"{name:>5}: {value:.2f}")
        print(f"{arguments.due} due jobs: {figure(rate)} promotions/s")
        report.finish(arguments, server, {"milliseconds_late": late, "promotions_per_second": rate})


def _lateness(
    journal: Journal, program: Program, arguments: argparse.Namespace
) -> dict[str, float]:
    """Return percentiles of how late jobs started, in milliseconds."""
    first = time.time() + _LEAD
    step = arguments.seconds / arguments.jobs
    due = [first + number * step for number in range(arguments.jobs)]
    Stamp.perform_bulk([(number,) for number in range(arguments.jobs)], at=due)
    _check_in_time(first)
    starts = journal.starts(arguments.jobs, arguments.seconds + _LAST_SECONDS, program)
    return percentiles([(starts[number].wall - at) * 1000 for number, at in enumerate(due)])


def _promotion(server: Server, program: Program, count: int) -> float:
    """Return how many jobs a second reach their queue when *count* are due at once."""
    due = time.time() + _LEAD + count / 10_000
    aside = Noop.set(queue=_ASIDE)
    aside.perform_bulk(((number,) for number in range(count)), at=due, batch_size=1_000)
    _check_in_time(due)
    store = server.client()

    def promoted() -> int:
        length: Any = store.llen(keys.queue(_ASIDE))
        return int(length)

    first = wait_until(promoted, _LAST_SECONDS, "the first is promoted", program=program)
    began = time.monotonic()
    if first > count // 2:
        raise BenchmarkError(f"{first} of {count} jobs were promoted at first sight: give more")
    wait_until(lambda: promoted() >= count, _LAST_SECONDS, "all are promoted", program=program)
    return float((count - first) / (time.monotonic() - began))


def _check_in_time(due: float) -> None:
    if time.time() > due:
        raise BenchmarkError("the first jobs were due before all were pushed: give fewer jobs")


if __name__ == "__main__":
    report.run(main)
