"""What a worker process holds after many jobs: memory, threads, files, connections.

A real `kiq` process gets no-op jobs, then jobs that fail with a traceback (half go to the retry set,
half to a small dead set; half keep their backtrace), then jobs of which 1 % carry 100 KB.
They are pushed in slices while it drains. After the first 10,000 no-op jobs, at each 100,000 of a
kind, and at its end, everything drained: current resident memory (not the peak), threads, open
files, connections to Redis, and keys in Redis. The goal: from the first look to the end of the no-op
and of the failing jobs memory grows by less than 5 MB, from the first 100,000 jobs with large ones to
their end as well, and nothing else grows at all. Exit code 1 when it is missed.

What each kind has added since its own first 100,000 tells a leak, which goes on, from memory that
the C library keeps for the next peak, which stays as it is: --arenas 2 makes it keep less.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from parts import report
from parts.drain import python_folder
from parts.footprint import Footprint, settled_footprint
from parts.load_in_slices import Load
from support import APPS, BenchmarkError, Program, Server, environment

import kiq
from kiq import keys

sys.path.insert(0, str(APPS))
from kiq_app import Blob, Fails, Noop

_WARM_UP = 10_000
_STEP = 100_000
#: Counters of a day, metrics of a minute, trends of an hour: they expire by themselves.
_PASSING = (
    *("stat:", "j|", "h|", "kiq:waits|", "kiq:metrics:", "kiq:taken", "kiq:trend"),
    *(keys.POLLER, keys.RECLAIMER),
)
_GOAL = 5.0  # MB
_LARGE = b"\xa5" * 100_000
_LARGE_EVERY = 100
_LARGE_KIND = "1 % large"
_DEAD_SET = 1_000


@dataclass(frozen=True, slots=True)
class Look:
    """What was found after *jobs* jobs in all, the last of which were of *kind*."""

    kind: str
    jobs: int
    worker: Footprint
    redis_keys: int


class Soak:
    """One worker, and a look at it now and then. The first look is after the warm-up."""

    def __init__(self, server: Server, program: Program) -> None:
        self.looks: list[Look] = []
        self._program = program
        self._store = server.client()
        self._load = Load(self._store, program)
        self._push_and_look("warm-up", _WARM_UP, push_noops)
        self._known = self._keys()

    def run(self, kind: str, count: int, push: Callable[[range], None]) -> None:
        """Run *count* jobs of one kind, and look at each 100,000 and at the end."""
        for done in range(0, count, _STEP):
            self._push_and_look(kind, min(_STEP, count - done), push)

    def left_over(self) -> list[str]:
        """Remove the jobs that failed; return the keys that were not there at the first look."""
        self._store.delete(keys.RETRY, keys.DEAD)
        return sorted(self._keys() - self._known)

    def _push_and_look(self, kind: str, count: int, push: Callable[[range], None]) -> None:
        self._load.run(count, push)
        found = settled_footprint(self._program.pid, self._store)
        self.looks.append(Look(kind, self._load.pushed, found, len(self._keys())))
        print(_line(self.looks[-1], self.looks[0]), flush=True)

    def _keys(self) -> set[str]:
        found: Iterable[Any] = self._store.scan_iter(count=1000)
        names = {key.decode() for key in found}
        return {name for name in names if not name.startswith(_PASSING) and name[-5:] != ":work"}


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument(
        "--jobs", type=report.positive, default=2_000_000, help="no-op jobs, default %(default)s"
    )
    made.add_argument(
        "--failing", type=report.positive, default=100_000, help="that fail, default %(default)s"
    )
    made.add_argument(
        "--mixed", type=report.positive, default=300_000, help="1 %% large, default %(default)s"
    )
    made.add_argument(
        "--concurrency", type=report.positive, default=10, help="threads, default %(default)s"
    )
    made.add_argument(
        "--arenas", type=report.positive, help="MALLOC_ARENA_MAX of the worker, default glibc's own"
    )
    report.add_pinned(made)
    arguments = made.parse_args()
    with Server() as server:
        # By the unix socket: so the worker's connections can be told from those that push.
        kiq.configure(redis=server.url("unix"))
        print(_TITLE)
        with _worker(server, arguments) as program:
            soak = Soak(server, program)
            soak.run("no-op", arguments.jobs, push_noops)
            soak.run("failing", arguments.failing, push_failing)
            soak.run(_LARGE_KIND, arguments.mixed, push_mixed)
            left_over = soak.left_over()
        missed = [*verdict(soak.looks), *(f"{key} is left in Redis" for key in left_over)]
        results = {"looks": soak.looks, "missed": missed, "keys_left": left_over}
        report.finish(arguments, server, results)
        if missed:
            raise BenchmarkError(f"the goal is missed: {'; '.join(missed)}")
        print(f"the goal is met: less than {_GOAL:g} MB more, and nothing else has grown")


def push_noops(numbers: range) -> None:
    """Push no-op jobs."""
    Noop.perform_bulk((number,) for number in numbers)


def push_failing(numbers: range) -> None:
    """Push jobs that fail: of four, two go to the retry set and two die, each with and without a
    backtrace in the payload."""
    ways = [Fails.set(retry=retry, backtrace=kept) for retry in (5, 0) for kept in (False, True)]
    for at, way in enumerate(ways):
        way.perform_bulk((number,) for number in numbers[at :: len(ways)])


def push_mixed(numbers: range) -> None:
    """Push jobs that carry bytes: each hundredth many, the others none."""
    Blob.perform_bulk((number, b"" if number % _LARGE_EVERY else _LARGE) for number in numbers)


def verdict(looks: list[Look]) -> list[str]:
    """Print how each kind of jobs ended, against the first look; return what misses the goal."""
    first, *later = looks
    missed = []
    for kind, last in {look.kind: look for look in later}.items():
        grown = _megabytes(last) - _megabytes(first)
        begun = next(look for look in later if look.kind == kind)
        since = _megabytes(last) - _megabytes(begun)
        rest = (
            f", {since:+.2f} in its last {last.jobs - begun.jobs:,} jobs" if begun != last else ""
        )
        print(f"{kind:>10}: {grown:+.2f} MB from the first look to its end{rest}")
        # Large payloads leave room in the C library's arenas: what tells is whether it goes on.
        judged = since if kind == _LARGE_KIND else grown
        if judged >= _GOAL:
            missed.append(f"{judged:.2f} MB more after {kind} jobs, {_GOAL:g} are allowed")
        for name in ("threads", "files", "connections"):
            before, after = getattr(first.worker, name), getattr(last.worker, name)
            if after > before:
                missed.append(f"{before} {name} became {after} after {kind} jobs")
    return missed


def _worker(server: Server, arguments: argparse.Namespace) -> Program:
    command = (
        *(str(python_folder() / "python"), "-m", "kiq", "-r", "kiq_app"),
        *("-q", "default", "-c", f"{arguments.concurrency}"),
    )
    variables = environment(
        server.url(),
        KIQ_LOG_LEVEL="warning",
        KIQ_DEAD_MAX_JOBS=f"{_DEAD_SET}",
        KIQ_RUN_DIR=str(server.folder / "run"),
        **({"MALLOC_ARENA_MAX": f"{arguments.arenas}"} if arguments.arenas else {}),
    )
    return Program(command, server.folder, variables, pinned=arguments.pinned)


_TITLE = "      jobs  kind         MB  growth  threads  files  connections  keys"


def _line(look: Look, first: Look) -> str:
    worker = look.worker
    grown = _megabytes(look) - _megabytes(first)
    return (
        f"{look.jobs:>10,}  {look.kind:<9}{_megabytes(look):>6.1f}{grown:>+8.2f}"
        f"{worker.threads:>9}{worker.files:>7}{worker.connections:>13}{look.redis_keys:>6}"
    )


def _megabytes(look: Look) -> float:
    return look.worker.memory / 1e6


if __name__ == "__main__":
    report.run(main)
