"""A campaign: many faults of all kinds in one run, drawn from a seed, and the account at its end.

``python -m tests.chaos.campaign`` runs the long form: 200,000 jobs through 200 SIGKILLs, 20 restarts
of Redis, 100 cut connections and more. ``--share 0.05`` scales it, ``--seed`` replays a schedule.
``--minutes 60`` is a soak: one campaign after the other, each with the next seed, until so long is over.
Redis's clock is set where libfaketime is installed (Debian's package of that name), and nowhere else.
"""

from __future__ import annotations

import argparse
import itertools
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import redis

from kiq.clock import wall
from kiq.errors import BulkPushError, StoreError
from tests.chaos.arena import Arena
from tests.chaos.clocks import SettableClock, settable_clock
from tests.chaos.faults import Faults
from tests.chaos.fleet import Fleet
from tests.chaos.journal import Account
from tests.chaos.logs import ended_badly
from tests.chaos.schedule import FAULTS, draw, scaled
from tests.helpers.server import TestServer

JOBS = 200_000
_AHEAD = 3_000  # jobs that wait at most: beyond, the producer rests


class Producer:
    """Pushes a mix of jobs until it has had *jobs* acknowledged. Threads: its own; the campaign
    raises :attr:`allowed`."""

    def __init__(self, arena: Arena, jobs: int) -> None:
        self.allowed = 0  # how many the campaign has come to: the last fault must still find some
        self._arena = arena
        self._jobs = jobs
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="producer")

    @property
    def done(self) -> bool:
        """Whether all is pushed."""
        return not self.thread.is_alive()

    def _run(self) -> None:
        arena, dice = self._arena, self._arena.random
        while len(arena.acknowledged) < self._jobs and not self.over.is_set():
            waiting = len(arena.acknowledged) - len(arena.journal.counts("X"))
            if waiting > _AHEAD or len(arena.acknowledged) > self.allowed:
                self.over.wait(0.02)
                continue
            kind, arguments, fields = dice.choices(_KINDS, _SHARES)[0]
            if "at" in fields:
                fields = {"at": wall() + dice.uniform(-0.5, 3)}
            priority = dice.choices((None, "high", "low", -5, 5), (50, 15, 15, 10, 10))[0]
            if priority is not None:
                fields = {**fields, "priority": priority}
            try:
                if dice.random() < 0.2:
                    arena.push(kind, *arguments, **fields)
                else:
                    arena.push_many(dice.randint(1, 200), kind, *arguments, **fields)
            except (StoreError, BulkPushError):
                self.over.wait(0.05)  # Redis is away: what was tried is not acknowledged


_Kind = tuple[str, tuple[float, ...], dict[str, Any]]
_KINDS: list[_Kind] = [
    ("Quick", (), {}),
    ("Takes", (0.002,), {}),
    ("Takes", (0.05,), {}),
    ("FailsOnce", (), {}),
    ("Quick", (), {"at": 0.0}),
]
_SHARES = (60, 27, 3, 5, 5)


def run(
    arena: Arena,
    seed: int,
    jobs: int,
    counts: Mapping[str, int],
    workers: int,
    clock: SettableClock | None = None,
) -> Account:
    """Run a campaign in *arena*, whose server has *clock*, if that can be set; return the account.

    An AssertionError says what was violated.
    """
    arena.random.seed(seed)
    producer = Producer(arena, jobs)
    with Fleet(arena, workers) as fleet:
        faults = Faults(arena, fleet, clock)
        producer.thread.start()
        try:
            schedule = draw(seed, jobs, counts)
            for number, fault in enumerate(schedule, start=1):
                producer.allowed = jobs * number // len(schedule) + 2 * _AHEAD
                _await_progress(arena, fault.after, producer)
                fleet.renew()
                faults.bring(fault)
            faults.end()
            producer.allowed = jobs
            producer.thread.join(30 + jobs / 500)
            assert producer.done, "the producer has not come to its end"
            # A fault may be a job that waited until now: who ends by it has a successor, as ever.
            arena.await_all(60, may_die=True, meanwhile=fleet.renew)
            account = arena.verify(60, may_die=True)
            assert not arena.journal.counts("H"), "a forked child hangs"
            assert not ended_badly(arena.workers), f"{ended_badly(arena.workers)}\n{arena.report()}"
            return account
        except AssertionError as error:
            raise AssertionError(f"{_missing(arena, faults)}{error}") from None
        finally:
            producer.over.set()
            producer.thread.join()
            faults.end()


def _missing(arena: Arena, faults: Faults) -> str:
    """Say of each job that is nowhere when it was pushed, and when Redis was killed after that.

    With ``everysec`` a write may wait for up to two seconds while the disk is slow: what is lost when
    Redis dies then is Redis's loss, and says so by these times.
    """
    held = {jid for jids in arena.held().values() for jid in jids}
    gone = set(arena.acknowledged) - arena.journal.ended() - set(arena.dead()) - held
    lines = []
    for jid in sorted(gone, key=arena.returned_at.__getitem__):
        at = arena.returned_at[jid]
        after = [f"{kill - at:.2f} s" for kill in faults.redis_kills if kill >= at]
        lines.append(
            f"{jid} is nowhere; pushed {at:.2f}, Redis killed {after[0] if after else 'never'} later\n"
        )
    return "".join(lines)


def _await_progress(arena: Arena, count: int, producer: Producer) -> None:
    """Wait until *count* more jobs have ended; no longer than ten seconds, for faults overlap."""
    ended = arena.journal.counts("X")
    # What ended during the last fault counts as well: the work must last until the last one.
    goal = min(ended.total() + count, producer.allowed - _AHEAD)
    deadline = time.monotonic() + 10
    while ended.total() < goal and time.monotonic() < deadline and not producer.done:
        producer.over.wait(0.01)
        arena.journal.lines()


def main() -> None:
    """Run one from the command line."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--seed", type=int, help="of the schedule; drawn and printed by default")
    made.add_argument("--jobs", type=int, default=JOBS, help="default %(default)s")
    made.add_argument("--workers", type=int, default=4, help="default %(default)s")
    made.add_argument("--share", type=float, default=1.0, help="scales jobs and faults")
    made.add_argument("--aof", choices=("everysec", "always"), default="always")
    made.add_argument("--faults", type=_kinds, metavar="KIND,...", help="no others; default all")
    made.add_argument("--minutes", type=float, default=0, help="go on for so long; default one run")
    arguments = made.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    jobs, counts = (
        (arguments.jobs, dict(FAULTS))
        if arguments.share == 1
        else scaled(arguments.share, arguments.jobs)
    )
    if arguments.faults:
        counts = {name: counts[name] for name in arguments.faults}
    until = time.monotonic() + 60 * arguments.minutes
    failed = False
    for each in itertools.count(seed):
        print(f"seed {each}; {jobs:,} jobs; faults {counts}", flush=True)
        failed = _campaign(each, jobs, counts, arguments.workers, arguments.aof)
        if failed or time.monotonic() >= until:
            break
    sys.exit(failed)


def _kinds(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no fault {unknown[0]!r}; there are {', '.join(FAULTS)}")
    return names


def _campaign(
    seed: int,
    jobs: int,
    counts: Mapping[str, int],
    workers: int,
    aof: Literal["everysec", "always"],
) -> bool:
    """Run one, and say how it went; return whether it failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        clock = settable_clock(Path(folder))
        if clock is None:
            print("libfaketime is not installed: Redis's clock is not set", flush=True)
        server = TestServer(aof=aof, through=clock.command if clock else ())
        arena = Arena(server, Path(folder), seed)
        try:
            run(arena, seed, jobs, counts, workers, clock)
        except (AssertionError, redis.RedisError) as error:
            print(f"{error}\nFAILED; replay it with --seed {seed}", file=sys.stderr)
            return True
        finally:
            arena.close()
            server.stop()
    print(f"seed {seed}: the invariant holds, after {time.monotonic() - began:.0f} s", flush=True)
    return False


if __name__ == "__main__":
    main()
