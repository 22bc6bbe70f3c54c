"""Batches in a storm: workers, producers and Redis killed; each callback is enqueued once, nothing lost."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq import api
from kiq.config import Redis
from tests.chaos.long_form import LONG
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

PROCESSES = 4 if LONG else 2
KILLS = 100 if LONG else 2
RESTARTS = 10 if LONG else 1
JOBS = int(os.environ.get("CHAOS_BATCH", "20000")) if LONG else 150  # of the large batch
RUNS = JOBS // (KILLS + RESTARTS + 5)  # between two faults
EVENTS = ("complete", "success", "end")

#: Counts, in the very step, what is promoted of callbacks: each is once for each time that it was enqueued.
APP = """
import os
import random
import time

import kiq
from kiq.plugin import Ride, Rider
from kiq.settled import Promoted
from tests.helpers.jobs import store


class Counting:
    name = "counting"

    def install(self, host):
        lua = "redis.call('HINCRBY', KEYS[1], ARGV[1], 1)"
        host.ride(Rider("counting", lua=lua, releasing=self.ride, payload_field="callback"))

    def ride(self, job):
        if isinstance(job.verdict, Promoted):
            said = job.payload["callback"]
            return Ride(["test:promoted"], [f"{said['bid']} {said['event']}"])


class Told(kiq.Job, name="chaos.Told", queue="out", retry=25):
    def perform(self):
        said = kiq.current_job().payload["callback"]
        store().sadd("told", f"{said['bid']} {said['event']}")


def events():
    return {f"on_{event}": Told for event in ("complete", "success", "end")}


class Part(kiq.Job, name="chaos.Part", queue="out", retry=25):
    def perform(self, number):
        store().pipeline().sadd("ran", self.jid).incr("runs").execute()
        chance = random.random()
        if chance < 0.03:
            raise kiq.Retry(0.1)
        if chance < 0.06:
            raise kiq.Snooze(0.1)
        if number and chance < 0.08:
            with self.batch:
                Part.perform_async(0)
        elif number and chance < 0.09:
            with kiq.Batch("inner", **events()):
                Part.perform_bulk([(0,), (0,)])
"""

PRODUCER = """
import random
import time

import kiq
import parts

while True:
    time.sleep(0.05)
    try:
        with kiq.Batch("small", **parts.events()):
            parts.Part.perform_bulk([(0,)] * 5)
            if random.random() < 0.3:
                with kiq.Batch("smaller", **parts.events()):
                    parts.Part.perform_in(random.random(), 0)
    except kiq.StoreError:
        pass
"""

CONFIG = """
require: [parts]
plugins: ["parts:Counting"]
queues: [out]
concurrency: 4
skip_default_job_logging: true
lease: 10
"""


class Told(kiq.Job, name="chaos.Told", queue="out"):
    """As the workers' own, to be pushed from here."""

    def perform(self) -> None:
        """Never here."""


class Part(kiq.Job, name="chaos.Part", queue="out", retry=25):
    """The same."""

    def perform(self, number: int) -> None:
        """Never here."""


class Fleet:
    """Processes on one server that is killed; what their jobs note is on another."""

    def __init__(self, server: TestServer, notes: TestServer, folder: Path) -> None:
        self.server = server
        self.site = Site(notes, folder)
        self.notes = self.site.store
        self.site.write("parts.py", APP)
        self.site.write("producer.py", PRODUCER)
        self.file = self.site.write("kiq.yml", CONFIG)
        self.client = kiq.Client(Redis(url=server.url))
        self.workers = [self.start() for _ in range(PROCESSES)]
        self.producer = self.produce()

    @property
    def runs(self) -> int:
        return int(self.notes.get("runs") or 0)

    def start(self) -> WorkerProcess:
        return self.site.run("-C", str(self.file), REDIS_URL=self.server.url)

    def produce(self) -> WorkerProcess:
        command = (sys.executable,)
        return self.site.run("producer.py", command=command, REDIS_URL=self.server.url)

    def kill_producer(self) -> None:
        self.producer.signal(signal.SIGKILL)
        self.producer.wait()
        self.producer = self.produce()

    def kill(self, worker: WorkerProcess) -> None:
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.workers[self.workers.index(worker)] = self.start()

    def restart_redis(self) -> None:
        self.server.kill()
        self.server.restart()


@pytest.fixture
def fleet(
    private_server: Callable[..., TestServer],
    tmp_path: Path,
    fresh_host: kiq.Host,
    unconfigured: None,
) -> Iterator[Fleet]:
    made = Fleet(private_server(aof="always"), private_server(), tmp_path)
    yield made
    made.site.close()


def _counts(raw: Any, name: str) -> dict[str, int]:
    return {key.decode(): int(count) for key, count in raw.hgetall(name).items()}


@pytest.mark.timeout(3000 if LONG else 240)
def test_each_callback_is_enqueued_once_and_nothing_is_lost(fleet: Fleet) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    for worker in fleet.workers:
        worker.wait_until_ready(60)
    callbacks: Any = {f"on_{event}": Told for event in EVENTS}
    with kiq.Batch("large", client=fleet.client, **callbacks) as large:
        Part.perform_bulk((number,) for number in range(1, JOBS + 1))
    faults = ["kill"] * KILLS + ["restart"] * RESTARTS
    chance.shuffle(faults)
    for number, fault in enumerate(faults):
        goal = fleet.runs + RUNS
        eventually(lambda goal=goal: fleet.runs >= goal, 120, message=f"after {number} ({seed})")  # type: ignore[misc]
        if fault == "restart":
            fleet.restart_redis()
        else:
            fleet.kill(chance.choice(fleet.workers))
        if number % 3 == 0:
            fleet.kill_producer()
    fleet.producer.signal(signal.SIGKILL)
    fleet.producer.wait()
    batches = api.BatchSet(fleet.client)
    raw = fleet.server.client()
    eventually(lambda: not raw.scard("kiq:batches-open"), 900 if LONG else 120, interval=0.1)
    found = list(batches)
    wanted = {f"{one.bid} {event}" for one in found for event in EVENTS}
    eventually(lambda: fleet.notes.scard("told") >= len(wanted), 60, message=f"told ({seed})")
    promoted = _counts(raw, "test:promoted")
    lost = sum(one.total - one.succeeded for one in found)
    more = {key: count for key, count in promoted.items() if count != 1}
    jobs, storm = sum(one.total for one in found), f"{KILLS} kills, {RESTARTS} restarts of Redis"
    print(
        f"\n{len(found)} batches, {jobs} jobs, {fleet.runs} runs, {storm}: "
        f"{len(promoted)} callbacks, {len(more)} not once, {lost} lost (seed {seed})"
    )
    assert large.bid in {one.bid for one in found}
    assert all(one.success for one in found), f"seed {seed}"
    assert (promoted.keys(), more, lost) == (wanted, {}, 0), f"seed {seed}"
