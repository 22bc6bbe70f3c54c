"""The lock of ``docs/plugins.md`` in a storm: pushed in every way, cut at every moment, once at a time."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.client import Client
from kiq.config import Capsule, Redis
from kiq.errors import BulkPushError, StoreUnavailable
from kiq.plugins.push_buffer import PushBuffer
from tests.chaos.long_form import LONG
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import Locks, holder, jids_in
from tests.helpers.proxy import MOMENTS, PLACES, FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

PUSHES = 3_000 if LONG else 300  # of each thread
LOCKS = [f"l{number}" for number in range(40)]
HOWS = ("ends", "ends", "fails", "snoozes", "discards", "kills")


class Noted:
    """What ran: which jids have a lock in their hands now, and how often a job has ended."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._running: dict[str, set[str]] = {lock: set() for lock in LOCKS}
        self.together: list[tuple[str, set[str]]] = []
        self.ended: Counter[str] = Counter()

    def begin(self, lock: str, jid: str) -> None:
        """Note that *jid* runs."""
        with self._mutex:
            self._running[lock].add(jid)
            if len(self._running[lock]) > 1:
                self.together.append((lock, set(self._running[lock])))

    def end(self, lock: str, jid: str, for_good: bool) -> None:
        """Note that it runs no more."""
        with self._mutex:
            self._running[lock].discard(jid)
            self.ended[jid] += for_good


noted = Noted()


class Stormy(kiq.Job, name="locks.Stormy", queue="out", retry=5, lock="l0"):
    """Ends as it is told to, at its third attempt at the latest."""

    def perform(self, how: str, lock: str) -> None:
        """Note that it runs; end as *how* says."""
        noted.begin(lock, self.jid)
        time.sleep(random.random() * 0.002)
        again = how in ("fails", "snoozes") and random.random() < 0.5
        noted.end(lock, self.jid, for_good=not again)
        if again and how == "fails":
            raise kiq.Retry(0.05)
        if again:
            raise kiq.Snooze(0.05)
        if how == "discards":
            raise kiq.Discard("on purpose")
        if how == "kills":
            raise kiq.Kill("on purpose")


def push_on(client: Client, seed: int) -> Counter[str]:
    """Push in every way; return how often it was broken."""
    dice, broken = random.Random(seed), Counter[str]()

    async def several(lock: str) -> None:
        jobs = Stormy.set(lock=lock).via(client).aio
        pushes = [jobs.perform_async("ends", lock) for _ in range(4)]
        for outcome in await asyncio.gather(*pushes, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    ways: tuple[Callable[[str, str], object], ...] = (
        lambda how, lock: Stormy.set(lock=lock).via(client).perform_async(how, lock),
        lambda how, lock: (
            Stormy.set(lock=lock).via(client).perform_in(dice.random() / 5, how, lock)
        ),
        lambda how, lock: Stormy.set(lock=lock).via(client).perform_bulk([(how, lock)] * 3),
        lambda how, lock: asyncio.run(several(lock)),
    )
    for _ in range(PUSHES):
        try:
            dice.choice(ways)(dice.choice(HOWS), dice.choice(LOCKS))
        except (StoreUnavailable, BulkPushError) as error:
            broken[type(error).__name__] += 1
    return broken


@pytest.fixture
def between(server: TestServer, kiq_client: Client) -> Iterator[FaultProxy]:
    kiq.host.install(Locks())
    kiq.host.guards[:] = [replace(guard, again=0.2) for guard in kiq.host.guards]
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.mark.timeout(600 if LONG else 120)
def test_no_two_jobs_of_a_lock_run_together_and_all_are_free_in_the_end(
    between: FaultProxy, raw: redis.Redis, tmp_path: Path
) -> None:
    seed = random.randrange(1_000_000)
    settings = Redis(url=between.url, socket_timeout=1)
    clients = [Client(settings, push_buffer=size) for size in (0, 0, 100_000)]
    dice = random.Random(seed)
    over = threading.Event()

    def cut_on() -> None:
        while not over.wait(dice.random() / 10):
            if dice.random() < 0.3:
                between.cut_all()
            else:
                between.cut_next(dice.choice([*MOMENTS, *PLACES]))

    capsule = Capsule(queues=(("out", 1),), concurrency=4)
    with (
        DrivenWorker(between.url, tmp_path, capsule, host=kiq.host),
        ThreadPoolExecutor(4) as pool,
    ):
        cutting = pool.submit(cut_on)
        try:
            pushing = [pool.submit(push_on, each, seed + n) for n, each in enumerate(clients)]
            broken = sum((each.result() for each in pushing), Counter[str]())
        finally:
            over.set()
        cutting.result()
        buffer = clients[-1].sender
        assert isinstance(buffer, PushBuffer)
        eventually(lambda: not buffer._trying, 30, message="nothing is kept")

        def left() -> list[Any]:
            with raw.pipeline() as look:  # at one moment: jobs go from one to the other
                found: list[Any] = (
                    look.exists("queue:out", "schedule", "retry").keys("kiq:inflight:*").execute()
                )
            return [each for each in found if each]

        eventually(lambda: not left(), 30, message=f"all has run (seed {seed})")
    assert noted.together == [], f"seed {seed}, {broken}"
    # A request that was cut may have come late, when the worker had ended: then its job is there too.
    held = {str(jid) for lock in LOCKS if (jid := holder(raw, lock))}
    assert held <= set(jids_in(raw, "queue:out", "schedule")), f"seed {seed}"
    assert max(noted.ended.values()) == 1, (
        f"seed {seed}: no job twice; some ask too often for another run"
    )
