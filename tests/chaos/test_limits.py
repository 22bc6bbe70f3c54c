"""Limits in a storm of kills: never one too many, no call that an API punishes, no slot left."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq.client import Client
from kiq.codec import decode
from kiq.config import Redis
from kiq.errors import StoreError
from kiq.plugins.limits import concurrent
from tests.chaos.long_form import LONG
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

PROCESSES = 8 if LONG else 2
KILLS = 100 if LONG else 2
RESTARTS = 10 if LONG else 1
PUSHES = 5  # at a time, until there were so many runs:
RUNS = 30 if LONG else 20  # between two faults

#: Notes who runs now, but for those of processes that stand still for good; and an API with a window.
APP = '''
import os
import random
import time
import uuid

import kiq
from kiq import limits
from tests.helpers.jobs import store

BEGIN = """
redis.call('SADD', KEYS[1], ARGV[1])
local running = 0
for _, one in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('SISMEMBER', KEYS[2], one:match('^%d+')) == 0 then running = running + 1 end
end
if running > 3 then redis.call('RPUSH', KEYS[3], table.concat(redis.call('SMEMBERS', KEYS[1]), ' ')) end
"""
CALL = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now - 0.5))
if redis.call('ZCARD', KEYS[1]) >= 20 then redis.call('INCR', KEYS[2]) end
redis.call('ZADD', KEYS[1], string.format('%.6f', now), ARGV[1])
"""
slots = limits.concurrent("slots", 3, key="account")
api = limits.window("api", 20, per=0.5)


class Call(kiq.Job, name="chaos.Call", queue="out", retry=25, limit=slots):
    def perform(self, account, number):
        run = f"{os.getpid()} {uuid.uuid4().hex}"
        key = f"running {account}"
        notes = store()
        notes.eval(BEGIN, 3, key, "standing still", "too many", run)
        try:
            with api.within(wait=2):
                notes.eval(CALL, 2, "calls", "punished", run)
            time.sleep(random.random() * 0.01)
        finally:
            notes.srem(key, run)
        notes.pipeline().sadd("ran", self.jid).incr("runs").execute()
        if random.random() < 0.1:
            raise kiq.Retry(0.1)  # without the jitter of up to ten seconds that retry_in gets
        if random.random() < 0.1:
            raise kiq.Snooze(0.1)
'''


class Call(kiq.Job, name="chaos.Call", queue="out", retry=25):
    """As the workers' own, to be pushed from here."""

    def perform(self, account: str, number: int) -> None:
        """Never here."""


class Fleet:
    """Processes on one server that is killed; what their jobs note is on another."""

    def __init__(self, server: TestServer, notes: TestServer, folder: Path) -> None:
        self.server = server
        self.site = Site(notes, folder)
        self.notes = self.site.store
        self.site.write("calls.py", APP)
        self.file = self.site.write(
            "kiq.yml",
            "require: [calls]\nqueues: [out]\nconcurrency: 4\nskip_default_job_logging: true\nlease: 10\n",
        )
        self.client = Client(Redis(url=server.url))
        self.jobs = Call.set(limit=concurrent("slots", 3, key="account")).via(self.client)
        self.workers = [self.start() for _ in range(PROCESSES)]
        self.accepted: set[str] = set()

    @property
    def runs(self) -> int:
        """How often a job has ended or failed."""
        return int(self.notes.get("runs") or 0)

    def restart_redis(self) -> None:
        """Kill Redis and start it again, with what it had."""
        self.server.kill()
        self.server.restart()

    def start(self) -> WorkerProcess:
        return self.site.run("-C", str(self.file), REDIS_URL=self.server.url)

    def kill(self, worker: WorkerProcess) -> None:
        """Kill *worker*; what it was running when it stood still is not running from then on."""
        worker.stop_where_it_is()
        self.notes.sadd("standing still", worker.pid)
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.workers[self.workers.index(worker)] = self.start()

    def push(self, chance: random.Random) -> None:
        """Push some; of those that Redis could not be asked for nothing is known."""
        for _ in range(PUSHES):
            try:
                jid = self.jobs.perform_async(chance.choice("ab"), chance.randrange(10**9))
            except StoreError:
                continue
            assert jid
            self.accepted.add(jid)

    def push_until(self, goal: int, chance: random.Random, message: str) -> None:
        """Push until there were *goal* runs, no more than can run before long."""

        def reached() -> bool:
            if len(self.accepted) < self.runs + 200:
                self.push(chance)
            return self.runs >= goal

        eventually(reached, 120, interval=0.02, message=message)


@pytest.fixture
def fleet(
    private_server: Callable[..., TestServer],
    tmp_path: Path,
    fresh_host: kiq.Host,
    unconfigured: None,
) -> Iterator[Fleet]:
    server = private_server(aof="always")
    made = Fleet(server, private_server(), tmp_path)
    yield made
    made.site.close()


@pytest.mark.timeout(3000 if LONG else 240)
def test_never_one_too_many_and_no_slot_is_left(fleet: Fleet) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    for worker in fleet.workers:
        worker.wait_until_ready(60)
    faults = ["kill"] * KILLS + ["restart"] * RESTARTS
    chance.shuffle(faults)
    for number, fault in enumerate(faults):
        message = f"{RUNS} more runs after {number} faults (seed {seed})"
        fleet.push_until(fleet.runs + RUNS, chance, message)
        if fault == "restart":
            fleet.restart_redis()
        else:
            fleet.kill(chance.choice(fleet.workers))
    fleet.push(chance)
    raw = fleet.server.client()

    def left() -> list[Any]:
        with raw.pipeline() as look:  # at one moment: jobs go from one to the other
            look.exists("queue:out", "schedule", "retry").keys("kiq:inflight:*")
            found: list[Any] = look.execute()
        return [each for each in found if each]

    eventually(lambda: not left(), 180, interval=0.05, message=f"all has run (seed {seed})")
    dead = {decode(one)[0]["jid"] for one in raw.zrange("dead", 0, -1)}
    ran = {jid.decode() for jid in fleet.notes.smembers("ran")}
    too_many, punished = fleet.notes.lrange("too many", 0, -1), fleet.notes.get("punished")
    print(
        f"\n{len(fleet.accepted)} jobs, {fleet.runs} runs, {KILLS} kills, {RESTARTS} restarts of Redis: "
        f"{len(too_many)} times too many, {int(punished or 0)} calls punished, "
        f"{len(fleet.accepted - ran - dead)} lost, {len(dead)} dead (seed {seed})"
    )
    assert fleet.accepted <= ran | dead, f"lost (seed {seed})"
    assert too_many == [], f"seed {seed}"
    assert punished is None, f"seed {seed}"

    def kept() -> list[Any]:
        names = [f"kiq:limit-{part}:concurrent:slots:{one}" for part in PARTS for one in "ab"]
        return [name for name in names if raw.exists(name)]

    eventually(lambda: not kept(), 90, message=f"no slot is left (seed {seed})")


PARTS = ("in", "line", "called", "parked")
