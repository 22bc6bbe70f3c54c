"""Periodic ticks while who ticks is killed, Redis ends, and its clock is set: each tick once."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from kiq import keys as house
from kiq.plugins.periodic import keys
from tests.chaos.clocks import NEEDS_SETTABLE_CLOCK, SettableClock
from tests.chaos.long_form import LONG
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

PROCESSES = 4 if LONG else 2
KILLS = 100 if LONG else 1
RESTARTS = 10 if LONG else 1
FREEZES = 10 if LONG else 0

JOBS = """
import kiq
from tests.helpers.jobs import store


class Ticked(kiq.Job):
    def perform(self):
        payload = kiq.current_job().payload
        store().hincrby("ticked", f"{payload['periodic']} {payload['tick']} {payload['jid']}", 1)
"""
FILE = """
require: [ticked]
skip_default_job_logging: true
lease: 5
periodic:
  seconds: {every: 1s, class: ticked.Ticked, missed: all, within: 1h}
  others: {every: 2s, class: ticked.Ticked, missed: all, within: 1h}
  skipping: {every: 1s, class: ticked.Ticked, overlap: skip}
  turns: {every: 1s, class: ticked.Ticked, overlap: queue}
  newest: {every: 1s, class: ticked.Ticked, overlap: cancel, missed: all, within: 1h}
"""


class Fleet:
    """Processes with entries of every second; what jobs note goes to another Redis, which lives."""

    def __init__(self, server: TestServer, folder: Path, noted: str, raw: redis.Redis) -> None:
        self.site = Site(server, folder)
        self.raw = raw
        self.site.write("ticked.py", JOBS)
        self.file = self.site.write("kiq.yml", FILE)
        self._noted = noted
        self.workers = [self.start() for _ in range(PROCESSES)]

    def start(self) -> WorkerProcess:
        return self.site.run("-C", str(self.file), JOBS_REDIS_URL=self._noted)

    def leader(self) -> WorkerProcess | None:
        """The process that has the duty."""
        holder: Any = self.site.store.get(house.duty("periodic"))
        pid = (holder or b"").decode().split(":")[1:2]
        return next((one for one in self.workers if [str(one.pid)] == pid), None)

    def kill_leader(self) -> None:
        one = eventually(self.leader, 30)
        one.signal(signal.SIGKILL)
        one.wait()
        self.workers[self.workers.index(one)] = self.start()

    def freeze_leader(self) -> None:
        """Stop it until another has the duty: then two think that they have it."""
        one = eventually(self.leader, 30)
        one.signal(signal.SIGSTOP)
        eventually(lambda: self.leader() not in (one, None), 60)
        one.signal(signal.SIGCONT)

    def ticks(self, name: str) -> dict[int, set[str]]:
        """The jids that ran for each tick of *name*."""
        found: Any = self.raw.hkeys("ticked")
        ran: dict[int, set[str]] = {}
        for line in found:
            called, tick, jid = line.decode().split(" ")
            if called == name:
                ran.setdefault(int(tick), set()).add(jid)
        return ran

    def cursor(self, name: str) -> int:
        found: Any = self.site.store.zscore(keys.DUE, name)
        return int(found or 0)

    def goes_on(self, seconds: int = 3) -> None:
        """Wait until so many seconds more have been ticked."""
        aim = self.cursor("seconds") + seconds
        eventually(lambda: self.cursor("seconds") >= aim, 60)

    def verify(self, first: int) -> None:
        """All ticks from *first* on have run by one job each."""
        for name, step in (("seconds", 1), ("others", 2)):
            last = self.cursor(name)
            wanted = set(range(first + -first % step, last, step))
            eventually(
                lambda name=name, wanted=wanted: wanted <= self.ticks(name).keys(),
                90,
                message=f"every tick of {name} runs",
            )
        for name in ("seconds", "others", "skipping", "turns", "newest"):
            twice = {tick: jids for tick, jids in self.ticks(name).items() if len(jids) > 1}
            assert not twice, f"{name}: {twice}"


@pytest.fixture
def fleet_on(tmp_path: Path, redis_url: str, raw: redis.Redis) -> Iterator[Callable[..., Fleet]]:
    made: list[Fleet] = []

    def make(server: TestServer) -> Fleet:
        made.append(Fleet(server, tmp_path, redis_url, raw))
        eventually(lambda: made[-1].cursor("seconds"), 30)
        return made[-1]

    yield make
    for each in made:
        each.site.close()


@pytest.mark.timeout(3600 if LONG else 240)
def test_no_tick_is_lost_nor_taken_twice(
    private_server: Callable[..., TestServer], fleet_on: Callable[..., Fleet]
) -> None:
    server = private_server(aof="always")
    fleet = fleet_on(server)
    first = fleet.cursor("seconds")
    acts = ["kill"] * KILLS + ["restart"] * RESTARTS + ["freeze"] * FREEZES
    random.Random(17).shuffle(acts)
    for act in acts:
        fleet.goes_on(1)
        if act == "kill":
            fleet.kill_leader()
        elif act == "freeze":
            fleet.freeze_leader()
        else:
            server.kill()
            server.restart()
            eventually(server.client().ping, 10)
    fleet.goes_on(2)
    fleet.verify(first)
    assert all(fleet.ticks(name) for name in ("skipping", "turns", "newest"))


@NEEDS_SETTABLE_CLOCK
def test_a_clock_that_is_set_forward_and_back_takes_no_tick_twice(
    private_server: Callable[..., TestServer], fleet_on: Callable[..., Fleet], tmp_path: Path
) -> None:
    clock = SettableClock(tmp_path)
    server = private_server(through=clock.command)
    fleet = fleet_on(server)
    first = fleet.cursor("seconds")
    fleet.goes_on(2)
    clock.step(8)
    fleet.goes_on(9)
    clock.step(-3)
    fleet.goes_on(1)
    fleet.verify(first)
