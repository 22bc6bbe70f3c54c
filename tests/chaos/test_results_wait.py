"""Waiters in a storm: processes killed, Redis killed; each gets its result, or the truth, in its time."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq.client import Client
from kiq.config import Redis
from kiq.errors import StoreError
from tests.chaos.long_form import LONG
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

WAITERS = 1000 if LONG else 100
FAULTS = 10 if LONG else 2  # of each kind
PATIENCE = 120.0 if LONG else 45.0
#: Those whose job never comes: they are to be told in their own time.
IN_VAIN = 20 if LONG else 5
SHORT = 3.0

APP = """
import time

import kiq


class Job(kiq.Job, name="chaos.Resulted", queue="out", retry=25, result_ttl=600):
    def perform(self, number, how):
        self.progress(1, 2)
        time.sleep(0.02)
        if how == "retries" and self.attempt < 3:
            raise kiq.Retry(0.1)
        if how == "dies":
            raise kiq.Kill("on purpose")
        if how == "drops":
            raise kiq.Discard("on purpose")
        self.progress(2, 2)
        return number
"""
HOW = ("returns", "returns", "returns", "retries", "dies", "drops")


class Waiter(threading.Thread):
    """Waits for one job, and notes what it was told and when."""

    def __init__(self, jid: str, client: Client, patience: float) -> None:
        super().__init__()
        self.jid, self._client, self._patience = jid, client, patience
        self.told: Any = None
        self.late = 0.0
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        try:
            self.told = kiq.result(self.jid, self._client).get(timeout=self._patience)
        except BaseException as error:
            self.told = error
        self.late = time.monotonic() - began - self._patience


class Storm:
    """Workers on a server that is killed, as they are."""

    def __init__(self, server: TestServer, notes: TestServer, folder: Path) -> None:
        self.server = server
        self.site = Site(notes, folder)
        self.site.write("resulted_app.py", APP)
        self.file = self.site.write(
            "kiq.yml",
            "require: [resulted_app]\nqueues: [out]\nconcurrency: 4\n"
            "skip_default_job_logging: true\nlease: 10\n",
        )
        self.client = Client(Redis(url=server.url))
        self.workers = [self._start() for _ in range(2)]
        self.expected: dict[str, tuple[int, str]] = {}

    def _start(self) -> WorkerProcess:
        return self.site.run("-C", str(self.file), REDIS_URL=self.server.url)

    def push(self, number: int, chance: random.Random) -> str:
        how = chance.choice(HOW)
        item = {"class": "chaos.Resulted", "args": [number, how], "queue": "out"}
        jid: Any = eventually(lambda: self._pushed({**item, "result_ttl": 600, "retry": 25}), 30)
        self.expected[jid] = number, how
        return str(jid)

    def _pushed(self, item: dict[str, Any]) -> str | None:
        try:
            return self.client.push(item)
        except StoreError:
            return None  # one that arrived all the same is nobody's

    def kill_a_worker(self, chance: random.Random) -> None:
        worker = self.workers.pop(chance.randrange(len(self.workers)))
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.workers.append(self._start())

    def kill_redis(self) -> None:
        self.server.kill()
        self.server.restart()

    def close(self) -> None:
        for worker in self.workers:
            worker.end()


def right(told: Any, number: int, how: str) -> bool:
    """Tell whether that is what became of the job."""
    if how == "dies":
        return isinstance(told, kiq.JobFailed) and told.status == "dead"
    if how == "drops":
        return isinstance(told, kiq.JobFailed) and told.status == "discarded"
    return bool(told == number)


@pytest.mark.timeout(600)
def test_each_waiter_gets_its_result_or_the_truth_in_its_time(
    private_server: Callable[..., TestServer],
    server: TestServer,
    tmp_path: Path,
    unconfigured: None,
) -> None:
    chance = random.Random(18)
    storm = Storm(private_server(aof="always"), server, tmp_path)
    try:
        waiters: list[Waiter] = []
        vain = [Waiter(f"{n:024x}", storm.client, SHORT) for n in range(IN_VAIN)]
        for part in range(2 * FAULTS):
            for number in range(WAITERS // (2 * FAULTS)):
                jid = storm.push(part * WAITERS + number, chance)
                waiters.append(Waiter(jid, storm.client, PATIENCE))
            if part % 2:
                storm.kill_redis()
            else:
                storm.kill_a_worker(chance)
        for waiter in (*waiters, *vain):
            waiter.join(PATIENCE + 60)
            assert not waiter.is_alive()
    finally:
        storm.close()
    wrong = [
        (waiter.jid, storm.expected[waiter.jid], waiter.told)
        for waiter in waiters
        if not right(waiter.told, *storm.expected[waiter.jid])
    ]
    kinds = Counter(type(told).__name__ for *_, told in wrong)
    assert not wrong, f"{len(wrong)} of {len(waiters)} ({kinds}): {wrong[:5]}"
    assert all(isinstance(waiter.told, kiq.ResultTimeout) for waiter in vain)
    assert max(waiter.late for waiter in (*waiters, *vain)) < 5.0, "a time that was not kept"
