"""The cap of docs/plugins.md holds among eight processes that are killed and cut off; no slot is left."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kiq.redis_url import with_database
from tests.chaos.long_form import LONG
from tests.helpers.proxy import MOMENTS, FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
PROCESSES = 8
CAP = 5  # that of the page
JOBS = 20_000 if LONG else 3_000
KILLS = 30 if LONG else 4

#: Counts, in one step, who runs a job now: all that began and did not end, but for those of processes that
#: stand still for good (see Fleet.kill). What a kill leaves behind is not counted, what runs always is.
JOBS_OF_THE_CAP = '''
import os
import time
import uuid

import kiq
from tests.helpers.jobs import store

BEGIN = """
redis.call('SADD', KEYS[1], ARGV[1])
local running = 0
for _, one in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('SISMEMBER', KEYS[2], one:match('^%d+')) == 0 then running = running + 1 end
end
redis.call('HINCRBY', KEYS[3], running, 1)
"""
END = """
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[2])
"""


class Few(kiq.Job, queue="few"):
    def perform(self, number: int, seconds: float) -> None:
        run = f"{os.getpid()} {uuid.uuid4().hex}"
        store().eval(BEGIN, 3, "running", "standing still", "at once", run)
        time.sleep(seconds)
        store().eval(END, 2, "running", "ended", run, number)


class Many(kiq.Job, queue="many"):
    def perform(self, number: int) -> None:
        store().sadd("ended", number)
'''


class Fleet:
    """Eight processes with the cap, behind a proxy; their jobs' book-keeping is not."""

    def __init__(self, server: TestServer, folder: Path, proxy: FaultProxy) -> None:
        self.site = Site(server, folder)
        self.store = self.site.store
        self.proxy = proxy
        (text,) = re.findall(r"```python\n(# five\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        # Without its sweep, which would hide what was not freed.
        self.site.write("five.py", text.replace("        host.services.append(self._sweep)\n", ""))
        self.site.write("capped.py", JOBS_OF_THE_CAP)
        self.file = self.site.write(
            "kiq.yml",
            "require: [capped]\nplugins: ['five:Five']\nqueues: [few, many]\nconcurrency: 4\n"
            "skip_default_job_logging: true\nlease: 10\n",
        )
        self.url = with_database(proxy.url, self.site.database)
        self.workers = [self.start() for _ in range(PROCESSES)]

    def start(self) -> WorkerProcess:
        return self.site.run("-C", str(self.file), REDIS_URL=self.url)

    def kill(self, worker: WorkerProcess) -> None:
        """Kill *worker*; what it was running when it stood still is not running from then on."""
        worker.stop_where_it_is()
        self.store.sadd("standing still", worker.pid)
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.workers[self.workers.index(worker)] = self.start()

    def push(self, count: int, seconds: float) -> None:
        chance = random.Random(count)
        of_the_cap = [
            {"class": "capped.Few", "args": [number, chance.random() * seconds], "queue": "few"}
            for number in range(count)
        ]
        others = [
            {"class": "capped.Many", "args": [count + number], "queue": "many"}
            for number in range(count // 10)
        ]
        self.site.client.push_slices([*of_the_cap, *others])

    @property
    def ended(self) -> int:
        found: Any = self.store.scard("ended")
        return int(found)

    @property
    def at_once(self) -> dict[int, int]:
        """How often so many ran at once when one began."""
        found: Any = self.store.hgetall("at once")
        return {int(running): int(times) for running, times in found.items()}


@pytest.fixture
def fleet(private_server: Callable[..., TestServer], tmp_path: Path) -> Iterator[Fleet]:
    server = private_server()
    with FaultProxy(server.port) as proxy:
        made = Fleet(server, tmp_path, proxy)
        yield made
        made.site.close()


@pytest.mark.timeout(600 if LONG else 240)
def test_eight_processes_never_run_more_than_the_cap_whatever_breaks(fleet: Fleet) -> None:
    chance = random.Random(5)
    total = JOBS + JOBS // 10
    for worker in fleet.workers:
        worker.wait_until_ready(60)
    fleet.push(JOBS, 0.004)
    for part in range(1, KILLS + 1):
        goal = total * part // (KILLS + 2)
        eventually(lambda goal=goal: fleet.ended >= goal, 90, message=f"{goal} of {total} jobs")  # type: ignore[misc]
        fleet.kill(chance.choice(fleet.workers))
        fleet.proxy.cut_next(chance.choice(MOMENTS))
        fleet.proxy.cut_all()
    eventually(lambda: fleet.ended == total, 120, message="all jobs have run")
    eventually(lambda: not list(fleet.store.scan_iter("kiq:inflight:*")), 60)
    print(f"\nat once: {sorted(fleet.at_once.items())}")
    assert max(fleet.at_once) <= CAP
    assert fleet.at_once.get(CAP, 0) > 10
    assert fleet.store.smembers("five:slots") == set()
    assert fleet.store.llen("queue:few") == fleet.store.zcard("dead") == 0
