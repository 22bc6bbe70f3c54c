"""What kiq.api does with a retry set of 1,000,000 jobs: how long, in how much memory, who waits meanwhile.

The set is filled, then each call is made on a full set: a page from each end, looking for a text that
one entry holds, and the bulk calls on all of it. Printed for each: its seconds, by how much the memory
of this process grew at most, its commands, and the longest that another client waited for a PING
meanwhile: Redis does one thing at a time. A call that loads the set shows as hundreds of MB, one that
holds Redis up as a long wait. No goal is stated; exit code 1 when a call did not do what it says.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from parts import report
from support import BenchmarkError, Server

from kiq.api import DeadSet, JobSet, RetrySet

_NEEDLE = "only here"
_DUE = 4_000_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API: it is to return *expected*, for a set of so many entries."""

    name: str
    make: Callable[[JobSet], int]
    expected: Callable[[int], int]


CALLS = (
    Call("first page", lambda jobs: len(_some(jobs)), lambda size: min(size, 100)),
    Call(
        "find by text", lambda jobs: len(list(jobs.select(text=_NEEDLE))), lambda size: min(size, 1)
    ),
    Call("scan for a jid", lambda jobs: int(jobs.find("none") is None), lambda size: min(size, 1)),
    Call("walk over all", lambda jobs: sum(1 for _ in jobs), lambda size: size),
    Call(
        "delete_all of a class",
        lambda jobs: jobs.delete_all(job_class="K1"),
        lambda size: size // 2,
    ),
    Call("retry_all", lambda jobs: jobs.retry_all(), lambda size: size),
    Call("kill_all", lambda jobs: jobs.kill_all(), lambda size: size),
    Call("clear", lambda jobs: jobs.clear(), lambda size: size),
)
_HEADER = ("call", "seconds", "grew MB", "commands", "longest wait ms")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a call cost."""

    seconds: float
    grew_megabytes: float
    commands: int
    longest_wait_ms: float


def main() -> None:
    """Measure, print, and write the JSON file."""
    made = report.parser(__doc__)
    made.add_argument(
        "--entries", type=report.positive, default=1_000_000, help="default %(default)s"
    )
    arguments = made.parse_args()
    with Server() as server:
        found: dict[str, Figures] = {}
        for call in CALLS:
            found[call.name] = _measure(server, call, arguments.entries)
            print(f"{call.name}: {found[call.name].seconds:.2f} s", flush=True)
        print(report.table(_HEADER, [_row(name, each) for name, each in found.items()]))
        report.finish(arguments, server, found)


def _some(jobs: JobSet) -> list[object]:
    return [entry for entry, _ in zip(jobs, range(100), strict=False)]


def _measure(server: Server, call: Call, size: int) -> Figures:
    store = server.client()
    store.flushall()
    _fill(store, size)
    jobs = RetrySet(store, dead_max_jobs=size)
    _some(jobs)  # connects
    with _Watch(server) as watch:
        before, began = _commands(store), time.perf_counter()
        done = call.make(jobs)
        seconds = time.perf_counter() - began
    if done != call.expected(size):
        raise BenchmarkError(f"{call.name} returned {done}, not {call.expected(size)}")
    if call.name == "kill_all" and DeadSet(store).size != size:
        raise BenchmarkError(f"{call.name}: the dead set has {DeadSet(store).size} of {size}")
    calls = _commands(store) - before
    return Figures(seconds, watch.grown / 2**20, calls, watch.longest * 1000)


def _fill(store: redis.Redis, size: int) -> None:
    for first in range(0, size, 5000):
        members = {_member(n, size): _DUE + n // 3 for n in range(first, min(size, first + 5000))}
        store.zadd("retry", members)  # type: ignore[arg-type]


def _member(number: int, size: int) -> bytes:
    payload: dict[str, Any] = {
        "class": f"K{number % 2}",
        "args": [number, "x" * 100],
        "jid": f"{number:024x}",
        "queue": "default",
        "retry": True,
        "retry_count": 3,
        "error_class": "ConnectionError",
        "error_message": _NEEDLE if number == size // 2 else "the server did not answer",
    }
    return json.dumps(payload).encode()


def _commands(store: redis.Redis) -> int:
    stats: Any = store.info("stats")
    return int(stats["total_commands_processed"])


class _Watch:
    """Asks Redis for a PING, and this process for its memory, a few hundred times a second."""

    def __init__(self, server: Server) -> None:
        self.longest = 0.0  # seconds
        self.grown = 0  # bytes
        self._client = server.client()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Watch:
        self._client.ping()
        self._resident = _resident()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.005):
            began = time.perf_counter()
            self._client.ping()
            self.longest = max(self.longest, time.perf_counter() - began)
            self.grown = max(self.grown, _resident() - self._resident)


def _resident() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _row(name: str, each: Figures) -> tuple[str, ...]:
    numbers = (f"{each.seconds:.2f}", f"{each.grew_megabytes:.1f}", f"{each.commands:,}")
    return (name, *numbers, f"{each.longest_wait_ms:.1f}")


if __name__ == "__main__":
    report.run(main)
