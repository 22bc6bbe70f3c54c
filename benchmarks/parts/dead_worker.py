"""A worker is killed with jobs in flight: how long until each of them starts elsewhere."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import kiq_app
from support import BenchmarkError, Program, Server, environment, wait_until

import kiq
from kiq import keys
from parts.drain import python_folder
from parts.trail import Trail

THREADS = 10
_START_SECONDS = 30.0
_LONGEST_INTERVAL = 5.0  # seconds between two beats, and between two looks at leases
_BEYOND_PROMISE = 60.0  # seconds: what takes longer still is no figure, but a fault
_LOOK_EVERY = 0.01  # seconds
_pushing = threading.Lock()  # the settings of producers are the process's; runs may be abreast


@dataclass(frozen=True, slots=True)
class Restarts:
    """Seconds until each job in flight started again: since the kill, and since the process that
    ran it was ready (None when it ran all the time)."""

    since_kill: list[float]
    since_ready: list[float] | None = None


def beside_another(
    server: Server, lease: float, *, host: str = "same", run: str = "same"
) -> Restarts:
    """Kill one of two workers; the other runs on *host*, with the run folder *run*.

    ``same`` is what the killed one has, any other name is another. Hosts are told apart as real ones
    are, by the name in an owner's identity and by a run folder of their own. *lease* is in seconds.
    """
    server.empty()
    trail = Trail(server.folder)
    with worker(server, trail, lease=lease) as victim:
        _occupy(server, trail, victim)
        with worker(server, trail, host=host, run=run, lease=lease) as survivor:
            store = server.client()
            wait_until(
                lambda: store.scard(keys.idle("default")),
                _START_SECONDS,
                "the second worker waits for jobs",
                interval=0.1,
                program=survivor,
            )
            # Those who look, look at intervals: any moment between two looks is as likely as another.
            time.sleep(random.uniform(0, min(_LONGEST_INTERVAL, lease / 6)))
            killed = _kill(victim, trail)
            return Restarts(_restarts(trail, survivor, killed, lease))


def replaced(server: Server, lease: float) -> Restarts:
    """Kill the only worker, and start another on the same host at once, as a supervisor would."""
    server.empty()
    trail = Trail(server.folder)
    with worker(server, trail, lease=lease) as victim:
        _occupy(server, trail, victim)
        killed = _kill(victim, trail)
        with worker(server, trail, lease=lease) as successor:
            ready = _wait_until_ready(successor)
            since_kill = _restarts(trail, successor, killed, lease)
            # Its threads start before it says that it is ready: a job may be there first.
            since_ready = [max(0.0, killed + after - ready) for after in since_kill]
            return Restarts(since_kill, since_ready)


def in_short_lives(server: Server, lease: float, life: float) -> Restarts:
    """Kill the only worker, and start another of the same host name and with a run folder of its own
    at once, again and again: each is killed *life* seconds after its start, as in a container that
    never becomes healthy. *lease* is in seconds too.
    """
    server.empty()
    trail = Trail(server.folder)
    with worker(server, trail, lease=lease, run="life-0") as victim:
        _occupy(server, trail, victim)
        killed = _kill(victim, trail)
    for number in itertools.count(1):
        with worker(server, trail, lease=lease, run=f"life-{number}") as successor:
            began = time.monotonic()
            while time.monotonic() < began + life:
                successor.check()
                restarted = _restarted(trail, killed)
                if len(restarted) == THREADS:
                    return Restarts(restarted)
                time.sleep(_LOOK_EVERY)
            os.kill(successor.pid, signal.SIGKILL)
        if time.monotonic() > killed + lease + 2 * _BEYOND_PROMISE:
            break
    raise BenchmarkError(f"the dead worker's jobs are not back after {number} lives of {life:g} s")


@contextmanager
def worker(
    server: Server,
    trail: Trail,
    *,
    host: str = "same",
    run: str = "same",
    lease: float = 60,
    queues: str = "default",
    url: str | None = None,
) -> Iterator[Program]:
    """Run a kiq worker of the host *host*, with the run folder *run*.

    *queues* have commas between them, and the first has precedence. *url* is the server's, unless
    there is another way to it.
    """
    command = [str(python_folder() / "python"), "-m", "kiq", "-r", "kiq_app", "-c", f"{THREADS}"]
    for queue in queues.split(","):
        command += ["-q", queue]
    variables = environment(
        url or server.url(),
        KIQ_LOG_LEVEL="info",
        KIQ_SKIP_DEFAULT_JOB_LOGGING="true",
        KIQ_SHUTDOWN_TIMEOUT="1",
        KIQ_LEASE=f"{lease:g}",
        KIQ_RUN_DIR=str(server.folder / f"run-{run}"),
        DYNO=host,
        **trail.variables(),
    )
    with Program(command, server.folder, variables) as program:
        yield program


def _occupy(server: Server, trail: Trail, victim: Program) -> None:
    """Give each thread of *victim* a job that does not end."""
    trail.hold.touch()
    with _pushing:
        kiq.configure(redis=server.url("unix"))
        kiq_app.Trace.perform_bulk([(number, 0.0) for number in range(THREADS)])
    trail.wait(
        THREADS, lambda mark: mark.what == "start", _START_SECONDS, "its jobs have started", victim
    )


def _kill(victim: Program, trail: Trail) -> float:
    """Kill *victim*; let its jobs end where they run next. Return when."""
    killed = time.monotonic()
    os.kill(victim.pid, signal.SIGKILL)
    # Not before it is gone: its own threads would end them. NOWAIT leaves the exit code to Program.
    os.waitid(os.P_PID, victim.pid, os.WEXITED | os.WNOWAIT)
    trail.hold.unlink()
    return killed


def _restarts(trail: Trail, runner: Program, killed: float, lease: float) -> list[float]:
    trail.wait(
        THREADS,
        lambda mark: mark.what == "start" and mark.at > killed,
        lease + _BEYOND_PROMISE,
        "the dead worker's jobs run again",
        runner,
    )
    return _restarted(trail, killed)


def _restarted(trail: Trail, killed: float) -> list[float]:
    """Return how many seconds after *killed* each job that has started again did so first."""
    first: dict[int, float] = {}
    for mark in trail.marks():
        if mark.what == "start" and mark.at > killed:
            first.setdefault(mark.number, mark.at - killed)
    return list(first.values())


def _wait_until_ready(program: Program) -> float:
    """Wait until *program* says that it is ready; return when that was seen."""
    wait_until(lambda: "ready;" in program.log, _START_SECONDS, "it is ready", program=program)
    return time.monotonic()
