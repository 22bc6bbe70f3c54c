"""How the drain goes with the depth of the queue, the payload, processes, queues and threads.

depth      10,000 to 5,000,000 jobs lie beneath those that are measured when the last one is settled
payload    an argument of 100 B, 1 kB, 10 kB and 100 kB; fewer jobs where they are large
processes  1 to 4
queues     1, 10 and 50 of equal weight, all with jobs; and 50 of which the last alone has any
threads    1, 10, 50 and 200

One process, ten threads, one queue and no-op jobs, unless said. Each time the processes are started
first, the jobs then appear at once, a fifth as many as are measured is settled to warm up, and the
queues are not empty at the end. Those of a kind take turns; printed are jobs a second, as a share of
the first of its kind, and CPU time of the processes for a job. The goal: at the deepest 0.95 of the
jobs/s at a depth of 10,000 (median of the runs). Exit code 1 when it is missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

from parts import report
from parts.crew import Arrangement, Stretch, stretch
from parts.samples import Spread, figure, spread, spread_of_known
from support import BenchmarkError, Server

import kiq

_DEPTHS = (10_000, 100_000, 1_000_000, 5_000_000)
_PAYLOADS = {"100 B": 100, "1 kB": 1_000, "10 kB": 10_000, "100 kB": 100_000}
_PROCESSES = (1, 2, 3, 4)
_QUEUES = (1, 10, 50)
_THREADS = (1, 10, 50, 200)
_MOST_BYTES = 500_000_000  # of the payloads that are measured
_GOAL = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """One arrangement of a kind: jobs a second, turn by turn their share of those of the first of
    its kind, and CPU time for a job in microseconds (None where it is not told)."""

    kind: str
    name: str
    jobs: int
    jobs_per_second: Spread
    of_first: Spread
    cpu_us: Spread | None

    def row(self) -> tuple[str, ...]:
        """Return the figure as a row of a table."""
        cpu = "not known" if self.cpu_us is None else str(self.cpu_us)
        return (self.name, f"{self.jobs:,}", str(self.jobs_per_second), str(self.of_first), cpu)


def main() -> None:
    """Measure, print, and write the JSON file."""
    arguments = _parser().parse_args()
    figures: list[Figure] = []
    with Server() as server:
        kiq.configure(redis=server.url("unix"))
        for kind in arguments.only:
            server.empty()
            found = _in_turns(server, kind, KINDS[kind](arguments), arguments)
            header = (kind, "jobs", "jobs/s", "of the first", "CPU µs/job")
            print(f"\n{report.table(header, [each.row() for each in found])}\n", flush=True)
            figures += found
        report.finish(arguments, server, figures)
    _judge([each for each in figures if each.kind == "depth"])


def _parser() -> argparse.ArgumentParser:
    made = report.parser(__doc__)
    made.add_argument(
        "--jobs", type=report.positive, default=100_000, help="measured, default %(default)s"
    )
    made.add_argument("--runs", type=report.positive, default=5, help="default %(default)s")
    made.add_argument(
        "--deepest",
        type=report.positive,
        default=_DEPTHS[-1],
        help="no deeper queue than this, default %(default)s (about 1 GB of memory)",
    )
    made.add_argument(
        "--only", type=_kinds, default=list(KINDS), metavar="depth,payload,...", help="default all"
    )
    report.add_pinned(made, "the workers")
    return made


def _kinds(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    return names


def _plain(arguments: argparse.Namespace) -> Arrangement:
    # What lies beneath keeps the queues from running dry before the end, and processes from idling.
    return Arrangement(name="plain", jobs=arguments.jobs, beneath=arguments.jobs // 2)


def _depths(arguments: argparse.Namespace) -> list[Arrangement]:
    shallow, *deeper = _DEPTHS
    depths = [shallow, *(depth for depth in deeper if depth <= arguments.deepest)]
    return [
        replace(_plain(arguments), name=f"{depth:,} beneath", beneath=depth) for depth in depths
    ]


def _payloads(arguments: argparse.Namespace) -> list[Arrangement]:
    def arranged(name: str, size: int) -> Arrangement:
        jobs = max(1, min(arguments.jobs, _MOST_BYTES // size))
        return replace(_plain(arguments), name=name, jobs=jobs, beneath=jobs // 2, payload=size)

    return [arranged(name, size) for name, size in _PAYLOADS.items()]


def _processes(arguments: argparse.Namespace) -> list[Arrangement]:
    return [
        replace(_plain(arguments), name=f"{count} of 10 threads", processes=count)
        for count in _PROCESSES
    ]


def _queues(arguments: argparse.Namespace) -> list[Arrangement]:
    def names(count: int) -> tuple[str, ...]:
        return tuple(f"queue-{number}" for number in range(1, count + 1))

    plain = _plain(arguments)
    most = _QUEUES[-1]
    return [
        *(replace(plain, name=f"{count} with jobs", queues=names(count)) for count in _QUEUES),
        replace(plain, name=f"{most}, jobs in the last", queues=names(most), strict=True),
    ]


def _threads(arguments: argparse.Namespace) -> list[Arrangement]:
    return [
        replace(_plain(arguments), name=f"{count} in one process", threads=count)
        for count in _THREADS
    ]


KINDS: dict[str, Callable[[argparse.Namespace], list[Arrangement]]] = {
    "depth": _depths,
    "payload": _payloads,
    "processes": _processes,
    "queues": _queues,
    "threads": _threads,
}


def _in_turns(
    server: Server, kind: str, arrangements: list[Arrangement], arguments: argparse.Namespace
) -> list[Figure]:
    found: dict[str, list[Stretch]] = {each.name: [] for each in arrangements}
    first, *others = arrangements
    turns = [first, *reversed(others)]  # first and last are compared: one comes after the other
    for number in range(1, arguments.runs + 1):
        for each in turns:
            result = stretch(server, each, pinned=arguments.pinned)
            found[each.name].append(result)
            rate = figure(result.jobs_per_second)
            print(f"run {number}, {kind}, {each.name}: {rate} jobs/s", flush=True)
        turns.reverse()  # who comes second may find the machine changed
    rates = {name: [one.jobs_per_second for one in results] for name, results in found.items()}
    return [
        Figure(
            kind,
            each.name,
            each.jobs,
            spread(rates[each.name]),
            spread([a / b for a, b in zip(rates[each.name], rates[first.name], strict=True)]),
            spread_of_known([one.cpu_us for one in found[each.name]]),
        )
        for each in arrangements
    ]


def _judge(depths: list[Figure]) -> None:
    if len(depths) < 2:
        return  # there is nothing to compare with
    share = depths[-1].of_first.median
    said = f"{share:.3f} of the jobs/s with {depths[0].name}, {_GOAL:.2f} are the goal"
    if share < _GOAL:
        raise BenchmarkError(f"the goal is missed: with {depths[-1].name} {said}")
    print(f"the goal is met: with {depths[-1].name} {said}")


if __name__ == "__main__":
    report.run(main)
