"""A campaign of parents: their children are killed at any moment, they themselves, and their Redis.

``python -m tests.chaos.parents`` runs 50,000 jobs through 60 kills of children, 15 of them as they are
born, kills of parents, half of them amid a rolling restart, and restarts; ``--seed`` replays a schedule.
A repeat is allowed only of what had started in a child that was killed, or that ended as its parent was.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import redis

from tests.chaos.arena import Arena
from tests.chaos.campaign import Producer
from tests.chaos.hygiene import registered
from tests.chaos.journal import Account
from tests.chaos.schedule import Fault, draw
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import READY, WorkerProcess

FAULTS: Mapping[str, int] = {
    "child": 45,  # a child, by SIGKILL
    "newborn": 15,  # the successor of one, as soon as it is there
    "restart": 12,  # a rolling restart
    "parent": 5,  # a parent, by SIGKILL
    "parent_amid_restart": 5,
    "child_without_redis": 5,  # a child, while Redis is down
    "redis_kill": 5,
    "redis_freeze": 5,
}
_CHILDREN = 3


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent is *pid*, as the system lists them."""
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            rest = Path(f"/proc/{int(entry)}/stat").read_text().rpartition(") ")[2].split()
            if int(rest[1]) == pid and rest[0] != "Z":
                found.append(int(entry))
    return sorted(found)


class Households:
    """Parents with their children, and what befalls them. A parent that has ended has a successor."""

    def __init__(self, arena: Arena, parents: int) -> None:
        self._arena = arena
        self.parents = [self._start() for _ in range(parents)]

    def _start(self) -> WorkerProcess:
        return self._arena.start(
            wait=False, processes=_CHILDREN, lease=5, max_retries=5, shutdown_timeout=2
        )

    def renew(self) -> None:
        """Let others take the place of parents that have ended."""
        self.parents = [one if one.running else self._start() for one in self.parents]

    def pick(self, number: float) -> WorkerProcess:
        """Return the parent that *number* (from 0 to 1) falls on, which was ready once."""
        self.renew()
        parent = self.parents[int(number * len(self.parents))]
        eventually(lambda: READY in parent.log, 40, message=f"ready\n{parent.log}")
        return parent

    def bring(self, fault: Fault) -> None:
        """Let *fault* happen."""
        getattr(self, f"_{fault.name}")(fault)

    def _child(self, fault: Fault) -> None:
        parent = self.pick(fault.victim)
        self._crash_one(parent, fault.strength)

    def _crash_one(self, parent: WorkerProcess, number: float) -> None:
        workers = [pid for pid in children_of(parent.pid) if self._works(pid)]
        if workers:
            self._crash(workers[int(number * len(workers))])

    def _works(self, pid: int) -> bool:
        with suppress(redis.RedisError):
            return any(f":{pid}:" in owner for owner in registered(self._arena.store))
        return True

    def _crash(self, pid: int) -> None:
        """Kill a child; what had started in it and is in flight may run once more."""
        arena = self._arena
        arena.faults[pid] = "was killed"
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            with suppress(redis.RedisError):
                flying = arena._in_flight(pid)
                begun = {j for _, j, runner in arena.journal.lines() if runner == str(pid)}
                if self._works(pid):
                    arena.cut_short[pid] = begun & flying
            os.kill(pid, signal.SIGKILL)

    def _newborn(self, fault: Fault) -> None:
        parent = self.pick(fault.victim)
        before = set(children_of(parent.pid))
        self._crash_one(parent, fault.strength)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            new = set(children_of(parent.pid)) - before
            if new:
                self._arena.faults.update(dict.fromkeys(new, "was killed at birth"))
                for pid in new:  # a helper may be among them: it is tried again
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return

    def _restart(self, fault: Fault) -> None:
        self.pick(fault.victim).signal(signal.SIGUSR2)

    def _parent(self, fault: Fault) -> None:
        self._kill(self.pick(fault.victim))

    def _kill(self, parent: WorkerProcess) -> None:
        for pid in children_of(parent.pid):
            self._arena.faults[pid] = "ended with its parent"
        self._arena.kill(parent)
        self.renew()

    def _parent_amid_restart(self, fault: Fault) -> None:
        parent = self.pick(fault.victim)
        before = parent.log.count("begins anew")
        parent.signal(signal.SIGUSR2)
        if fault.strength > 0.3:  # else while the application is tried out
            eventually(lambda: parent.log.count("begins anew") > before, 60)
        _last(3 * fault.strength)
        self._kill(parent)

    def _child_without_redis(self, fault: Fault) -> None:
        parent = self.pick(fault.victim)
        self._arena.server.kill()
        self._crash_one(parent, fault.strength)
        _last(fault.strength)
        self._arena.server.restart()

    def _redis_kill(self, fault: Fault) -> None:
        self._arena.server.kill()
        _last(2 * fault.strength)
        self._arena.server.restart()

    def _redis_freeze(self, fault: Fault) -> None:
        self._arena.server.pause()
        _last(2 * fault.strength)
        self._arena.server.resume()


def run(arena: Arena, seed: int, jobs: int, counts: Mapping[str, int], parents: int) -> Account:
    """Run a campaign in *arena*; return the account. An AssertionError says what was violated."""
    arena.random.seed(seed)
    producer = Producer(arena, jobs)
    homes = Households(arena, parents)
    producer.allowed = jobs
    producer.thread.start()
    try:
        for fault in draw(seed, jobs, counts):
            goal = arena.journal.counts("X").total() + fault.after
            _wait(lambda goal=goal: arena.journal.counts("X").total() >= goal, 5)
            homes.bring(fault)
        producer.thread.join(120)
        assert producer.done, "the producer has not come to its end"
        arena.await_all(90, may_die=True, meanwhile=homes.renew)
        account = arena.verify(90, may_die=True)
        # An orderly end: everything is taken down, and nothing is left.
        for parent in homes.parents:
            eventually(lambda parent=parent: READY in parent.log, 40)
            code = parent.stop(40)
            assert code == 0, f"a parent ended with {code}:\n{parent.log[-5000:]}"
        assert not registered(arena.store), registered(arena.store)
        return account
    finally:
        producer.over.set()
        producer.thread.join()


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for *condition*, so many seconds at most."""
    until = time.monotonic() + seconds
    eventually(lambda: condition() or time.monotonic() >= until, seconds + 30, interval=0.02)


def _last(seconds: float) -> None:
    """Let a fault last for *seconds*."""
    _wait(lambda: False, seconds)


def main() -> None:
    """Run one from the command line."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--seed", type=int, help="of the schedule; drawn and printed by default")
    made.add_argument("--jobs", type=int, default=50_000, help="default %(default)s")
    made.add_argument("--parents", type=int, default=2, help="default %(default)s")
    made.add_argument("--share", type=float, default=1.0, help="scales the faults")
    arguments = made.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    counts = {name: max(1, round(n * arguments.share)) for name, n in FAULTS.items()}
    print(f"seed {seed}; {arguments.jobs:,} jobs; faults {counts}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        server = TestServer(aof="always")
        arena = Arena(server, Path(folder), seed)
        try:
            run(arena, seed, arguments.jobs, counts, arguments.parents)
        except (AssertionError, redis.RedisError) as error:
            print(f"{error}\nFAILED; replay it with --seed {seed}", file=sys.stderr)
            sys.exit(1)
        finally:
            arena.close()
            server.stop()
    print(f"seed {seed}: the invariant holds, after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
