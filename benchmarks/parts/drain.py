"""One drain: push no-op jobs, start a worker, and watch until the last one is settled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from support import APPS, BenchmarkError, Program, Server, environment, wait_until

from parts.contestant import Contestant

_LOOK_EVERY = 0.004  # seconds
_START_SECONDS = 60.0
_PUSH_SECONDS = 600.0
_DRAIN_SECONDS = 600.0
_SCRIPT_CALLS = ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_fcall")
#: Commands of the one who looks.
_OURS = ("cmdstat_getrange", "cmdstat_info")


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain took, from the first settled jobs to the last.

    Per job: *cpu_us* of the worker's main process in microseconds, *scripts* called, *commands*
    (those inside scripts, with the few that stand alone), *round_trips* (as often as the server
    had something to read; an upper bound, for a write of over 16 KiB is read in parts). *memory*
    is the process's largest size in bytes. None is what this system does not tell.
    """

    jobs_per_second: float
    cpu_us: float | None
    memory: int | None
    scripts: float
    commands: float
    round_trips: float


@dataclass(frozen=True, slots=True)
class _Look:
    """What can be seen from outside at one moment."""

    at: float
    settled: int
    cpu: float | None
    reads: int
    scripts: int
    commands: int


class _Watch:
    """Looks at a worker and at its server; counts how often it looked."""

    def __init__(self, store: redis.Redis, contestant: Contestant, jobs: int) -> None:
        self._store = store
        self._contestant = contestant
        self._jobs = jobs
        self._calls = 0

    def settled(self) -> int:
        """Return how many jobs are settled by now."""
        self._calls += 1
        return self._contestant.settled(self._store, self._jobs)

    def look(self, program: Program) -> _Look:
        """Look at everything; what this itself has cost so far is taken off."""
        settled = self.settled()
        at, cpu = time.monotonic(), program.cpu_seconds()
        stats: Any = self._store.info("stats")
        by_command: Any = self._store.info("commandstats")
        self._calls += 2
        calls = {name: int(stat["calls"]) for name, stat in by_command.items()}
        scripts = sum(calls.pop(name, 0) for name in _SCRIPT_CALLS)
        commands = sum(count for name, count in calls.items() if name not in _OURS)
        # The second INFO has not been counted as read when the first one answered.
        reads = int(stats["total_reads_processed"]) - (self._calls - 1)
        return _Look(at, settled, cpu, reads, scripts, commands)


def drain(
    server: Server,
    contestant: Contestant,
    folder: Path,
    *,
    pinned: bool = False,
    logged: bool = False,
    transport: str = "tcp",
    jobs: int | None = None,
) -> Drained:
    """Push *jobs* (or as many as fit the contestant) and let a worker of its kind drain them.

    *folder* holds its ``bin``. With *logged* it logs as it comes, to a file. Raises BenchmarkError when
    it fails, or when there are too few jobs to measure anything.
    """
    count = jobs or contestant.jobs
    server.empty()
    url = server.url(transport)
    words = {"bin": str(folder), "apps": str(APPS), "url": url, "jobs": str(count)}
    variables = environment(url, **contestant.variables(logged=logged))
    _push([part.format(**words) for part in contestant.push], server.folder, variables)
    watch = _Watch(server.client(), contestant, count)
    worker = [part.format(**words) for part in contestant.worker]
    with Program(worker, server.folder, variables, pinned=pinned) as program:
        first, last = _first_and_last(watch, program, contestant.name, count)
        return _difference(first, last, program.peak_memory())


def python_folder() -> Path:
    """Return the folder of the Python that runs this, which has kiq."""
    return Path(sys.executable).parent


def _push(command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PUSH_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} could not push:\n{done.stderr[-2000:]}")


def _first_and_last(watch: _Watch, program: Program, name: str, count: int) -> tuple[_Look, _Look]:
    def wait(enough: int, seconds: float, what: str) -> _Look:
        wait_until(
            lambda: watch.settled() >= enough,
            seconds,
            f"{name} has settled {what}",
            interval=_LOOK_EVERY,
            program=program,
        )
        return watch.look(program)

    first = wait(1, _START_SECONDS, "its first job")
    if first.settled > count // 2:
        raise BenchmarkError(
            f"{name} had settled {first.settled} of {count} jobs when it was first seen at work: "
            "give it more jobs to measure anything"
        )
    return first, wait(count, _DRAIN_SECONDS, f"all {count} jobs")


def _difference(first: _Look, last: _Look, memory: int | None) -> Drained:
    jobs = last.settled - first.settled
    cpu = None
    if first.cpu is not None and last.cpu is not None:
        cpu = (last.cpu - first.cpu) / jobs * 1e6
    return Drained(
        jobs_per_second=jobs / (last.at - first.at),
        cpu_us=cpu,
        memory=memory,
        scripts=(last.scripts - first.scripts) / jobs,
        commands=(last.commands - first.commands) / jobs,
        round_trips=(last.reads - first.reads) / jobs,
    )
