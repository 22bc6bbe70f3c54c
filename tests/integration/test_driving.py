"""Driving, in the test's own process: no job and no verdict waits for long, whatever pace jobs have."""

from __future__ import annotations

import itertools
import os
import random
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from kiq.config import Capsule
from tests.chaos.long_form import LONG
from tests.helpers.driven import BLINK, DrivenWorker, Ledger, Pace, released
from tests.helpers.waiting import eventually

SECONDS = 120.0 if LONG else 2.5
STOPS = 150 if LONG else 12
#: Seconds. A wake-up that is lost may cost a whole one; a busy machine costs some, sometimes.
LATE_VERDICT, LATE_START = 0.2, 0.3

Paces = Callable[[random.Random, int], list[Pace]]


@pytest.fixture
def ledger(redis_url: str) -> Iterator[Ledger]:
    """The jobs of a test."""
    made = Ledger(redis_url)
    yield made
    made.close()


def no_ops(_dice: random.Random, count: int) -> list[Pace]:
    return [BLINK] * count


def short_and_shorter(dice: random.Random, count: int) -> list[Pace]:
    """Between 0.1 and 1 ms, most of them: about as long as is short."""
    hows = dice.choices(("", "sleeps", "computes"), (2, 1, 1), k=count)
    return [(how, dice.uniform(0.0001, 0.001)) for how in hows]


def rarely_longer(dice: random.Random, count: int) -> list[Pace]:
    return [("sleeps", 0.02) if dice.random() < 0.002 else BLINK for _ in range(count)]


def rarely_deaf(dice: random.Random, count: int) -> list[Pace]:
    return [("holds", 0.05) if dice.random() < 0.002 else BLINK for _ in range(count)]


def linger(seconds: float) -> None:
    """Let time pass."""
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= until, seconds + 5, interval=0.001)


def await_counted(ledger: Ledger, count: int) -> None:
    """Wait until Redis has counted so many runs."""
    eventually(
        lambda: ledger.processed() >= count, 10, interval=0.001, message=f"{count} are counted"
    )


@pytest.mark.timeout(60 + SECONDS * 2)
@pytest.mark.parametrize("threads", [2, 8])
@pytest.mark.parametrize("paces", [no_ops, short_and_shorter, rarely_longer, rarely_deaf])
def test_neither_a_job_nor_a_verdict_waits_for_long_when_bursts_come_and_go(
    ledger: Ledger, redis_url: str, tmp_path: Path, paces: Paces, threads: int
) -> None:
    dice, bursts, late = random.Random(threads), 0, []
    until = time.monotonic() + SECONDS / 2
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=threads)) as worker:
        while time.monotonic() < until:
            bursts += 1
            first, count = ledger.pushed, dice.randint(1, 600)
            ledger.push(paces(dice, count))
            pushed_at = time.monotonic()
            eventually(lambda: ledger.processed() == ledger.pushed, 10, interval=0.001)
            settled_at = time.monotonic()
            starts = [pushed_at, *sorted(began for _, began in ledger.runs[first:])]
            gap = max(after - before for before, after in itertools.pairwise(starts))
            verdict = settled_at - starts[-1]
            if gap > LATE_START or verdict > LATE_VERDICT:
                late.append(f"burst {bursts} of {count}: gap {gap:.3f} s, verdict {verdict:.3f} s")
            linger(dice.uniform(0, 0.02))
        assert worker.driven or paces is short_and_shorter
        ledger.verify()
    assert len(late) <= 1 + bursts // 100, f"of {bursts}: {late}"
    assert not worker.problems


@pytest.mark.parametrize("threads", [2, 5, 10])
@pytest.mark.parametrize("how", ["waits", "spins"])
def test_what_waits_behind_a_long_job_goes_on_at_once(
    ledger: Ledger, redis_url: str, tmp_path: Path, how: str, threads: int
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=threads)) as worker:
        for _ in range(5 if LONG else 1):
            worker.get_driving(ledger)
            released.clear()
            # Amid the others, so that some wait in the buffer behind it.
            (long, *_), _ = ledger.push([(how, 20.0)]), ledger.push([BLINK] * 900)
            eventually(partial(ledger.began, long), 10, interval=0.001)
            await_counted(ledger, ledger.pushed - 1)  # they did not wait for the long one
            released.set()
            await_counted(ledger, ledger.pushed)
        ledger.verify()
    assert not worker.problems


@pytest.mark.timeout(60 + 3 * STOPS)
def test_workers_that_stop_in_the_midst_of_driving_lose_and_repeat_nothing(
    ledger: Ledger, redis_url: str, tmp_path: Path
) -> None:
    dice = random.Random(7)
    for stop in range(STOPS):
        capsule = Capsule(concurrency=dice.choice((1, 2, 5)))
        with DrivenWorker(redis_url, tmp_path, capsule, shutdown_timeout=10.0) as worker:
            worker.get_driving(ledger)
            linger(dice.uniform(0, 0.005))
            if stop % 3 == 0:
                worker.launcher.quiet()
                linger(dice.uniform(0, 0.002))
            began = time.monotonic()
        assert time.monotonic() - began < 5
        assert all(manager.courier.left for manager in worker.managers)
        assert not worker.problems
    with DrivenWorker(redis_url, tmp_path):
        ledger.verify()


def test_two_capsules_drive_at_once(ledger: Ledger, redis_url: str, tmp_path: Path) -> None:
    a = Capsule(name="a", concurrency=2, queues=(("a", 2), ("a-too", 1)), mode="strict")
    b = Capsule(name="b", concurrency=2, queues=(("b", 2), ("b-too", 1)), mode="weighted")
    with DrivenWorker(redis_url, tmp_path, a, b) as worker:
        for _ in range(10):
            for queue in ("a", "a-too", "b", "b-too"):
                ledger.push([BLINK] * 500, queue)
        ledger.verify()
        drove = {name.split("-")[1] for name in worker.rounds if "courier" not in name}
    assert drove == {"a", "b"}
    assert not worker.problems


def test_a_connection_whose_descriptor_is_above_1023_is_driven_alike(
    ledger: Ledger, redis_url: str, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_030)]
    try:
        with DrivenWorker(redis_url, tmp_path) as worker:
            worker.get_driving(ledger)
            ledger.verify()
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert not worker.problems
