"""The loop that poller, reclaimer and the cancel listener are made of."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from kiq import keys
from kiq.clock import steady
from kiq.errors import StoreError, StoreUnavailable
from kiq.work.loop import Loop
from kiq.work.worker import Worker
from tests.helpers.driven import DrivenWorker
from tests.helpers.proxy import FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

FOREVER = 60.0  # seconds: a tick that comes earlier was woken


class Bench:
    """A loop whose ticks do what *acts* hold, in turn, and then sleep; all that happens is noted."""

    def __init__(self, worker: Worker, **options: Any) -> None:
        self.notes: list[str] = []
        self.acts: list[Callable[[], float] | BaseException | float] = []
        self.reports: list[BaseException] = []
        worker.host.error_handlers[:] = [lambda error, _context: self.reports.append(error)]
        self.loop = Loop(
            worker,
            "test",
            self.tick,
            lost=lambda: self.notes.append("lost"),
            leave=lambda: self.notes.append("left"),
            **options,
        )

    def tick(self) -> float:
        self.notes.append("tick")
        act = self.acts.pop(0) if self.acts else FOREVER
        if isinstance(act, BaseException):
            raise act
        return act() if callable(act) else act

    def ticked(self, times: int) -> None:
        eventually(lambda: self.notes.count("tick") == times, 5)


@pytest.fixture
def made(redis_url: str, tmp_path: Path, fresh_host: Any) -> Iterator[Callable[..., Bench]]:
    worker = DrivenWorker(redis_url, tmp_path).launcher.worker
    worker.errands.start()
    benches: list[Bench] = []

    def make(**options: Any) -> Bench:
        benches.append(Bench(worker, **options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.loop.stop()
        assert bench.loop.join(5)
    worker.errands.close()


def test_it_sleeps_as_long_as_a_tick_says(made: Callable[..., Bench]) -> None:
    bench = made()
    bench.acts += [0.0, 0.01]
    bench.loop.start()
    bench.ticked(3)


def test_it_is_woken_and_a_wake_up_amid_a_tick_is_not_lost(made: Callable[..., Bench]) -> None:
    bench = made()
    begun, go_on = threading.Event(), threading.Event()

    def waits() -> float:
        begun.set()
        go_on.wait(5)
        return FOREVER

    bench.acts.append(waits)
    bench.loop.start()
    begun.wait(5)
    bench.loop.wake()
    go_on.set()
    bench.ticked(2)
    for _ in range(70_000):  # more than a pipe holds
        bench.loop.wake()
    eventually(lambda: bench.notes.count("tick") > 2, 5)


def test_the_bell_wakes_it(made: Callable[..., Bench], raw: redis.Redis) -> None:
    bench = made()

    def listens() -> float:
        bench.loop.listen("test")
        return FOREVER

    bench.acts.append(listens)
    bench.loop.start()
    eventually(lambda: raw.publish(keys.bell("test"), "") == 1, 5)
    bench.ticked(2)


def test_a_bell_that_comes_with_the_confirmation_wakes_it(
    made: Callable[..., Bench], server: TestServer, raw: redis.Redis, tmp_path: Path
) -> None:
    with FaultProxy(server.port) as proxy:
        for number in range(20):  # whether one read brings both is up to the sockets
            channel = f"test-{number}"
            bench = Bench(DrivenWorker(proxy.url, tmp_path / channel).launcher.worker)
            bench.acts.append(
                lambda bench=bench, channel=channel: bench.loop.listen(channel) or FOREVER
            )
            proxy.swallow(True, "from the server", of=keys.bell(channel).encode())
            bench.loop.start()
            eventually(lambda channel=channel: raw.publish(keys.bell(channel), "") == 1, 5)
            proxy.swallow(False)
            bench.ticked(2)
            bench.loop.stop()
            assert bench.loop.join(5)


@pytest.mark.parametrize(
    "error", [StoreUnavailable("away"), OSError(), SystemExit(), MemoryError()]
)
def test_what_breaks_in_a_tick_is_lost_and_the_next_follows(
    made: Callable[..., Bench], error: BaseException
) -> None:
    bench = made()
    bench.acts.append(error)
    bench.loop.start()
    bench.ticked(2)
    assert bench.notes == ["tick", "lost", "tick"]
    eventually(lambda: bench.reports == ([] if isinstance(error, StoreError) else [error]), 5)


def test_what_redis_refuses_leaves_nothing_unknown(made: Callable[..., Bench]) -> None:
    bench = made(rest=0.3, most=0.3)
    bench.acts += [StoreError("WRONGTYPE")] * 3
    began = steady()
    bench.loop.start()
    bench.ticked(4)
    assert bench.notes == ["tick"] * 4
    assert steady() - began >= 0.9


def test_a_stop_cuts_a_sleep_short_and_may_be_repeated(made: Callable[..., Bench]) -> None:
    bench = made()
    bench.loop.start()
    bench.ticked(1)
    bench.loop.stop()
    assert bench.loop.join(5)
    bench.loop.stop()
    assert bench.notes == ["tick", "left"]


def test_one_that_never_began_ends_too_and_leaves_no_descriptor(
    redis_url: str, tmp_path: Path, fresh_host: Any
) -> None:
    worker = DrivenWorker(redis_url, tmp_path).launcher.worker
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    bench = Bench(worker)
    bench.loop.stop()
    assert bench.loop.join(0.0)
    worker.host.error_handlers.clear()
    del bench
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
