"""Two workers in one process: what one of them is told, the other does not hear."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import worker_state
from kiq.config import Capsule
from kiq.plugins.asyncio_jobs import AsyncJobs
from kiq.plugins.cancelling import Cancelling
from kiq.plugins.iteration import IterationPlugin
from kiq.plugins.metrics.plugin import Metrics
from kiq.plugins.time_limits import TimeLimits
from tests.helpers.driven import DrivenWorker
from tests.helpers.untraced import untraced
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.needs("greenlet")

STEP = 0.005  # seconds

steps: Counter[tuple[str, str]] = Counter()  # (queue, kind of job) -> what it has done so far
ends: list[tuple[str, str, str]] = []  # (queue, kind of job, how it ended)


def note(kind: str, how: str) -> None:
    job = kiq.current_job()
    assert job is not None
    ends.append((job.queue, kind, how))


class Plain(kiq.Job):
    def perform(self) -> None:
        """Go on until the worker stops."""
        try:
            while not self.interrupted:
                time.sleep(STEP)
                steps[self.queue_here, "plain"] += 1
            note("plain", "told")
        except BaseException as error:
            note("plain", type(error).__name__)
            raise

    @property
    def queue_here(self) -> str:
        job = kiq.current_job()
        assert job is not None
        return job.queue


class Items(kiq.IterableJob):
    def build(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
        for number in range(cursor or 0, 1_000_000):
            yield number, number

    def each(self, item: int) -> None:
        time.sleep(STEP)
        job = kiq.current_job()
        assert job is not None
        steps[job.queue, "items"] += 1

    def on_stop(self) -> None:
        note("items", "told")


class Coroutine(kiq.Job):
    async def perform(self) -> None:
        try:
            job = kiq.current_job()
            assert job is not None
            while not job.interrupted:
                await asyncio.sleep(STEP)
                steps[job.queue, "async"] += 1
            note("async", "told")
        except BaseException as error:
            note("async", type(error).__name__)
            raise


class Limited(kiq.Job, time_limit=0.1):
    def perform(self) -> None:
        try:
            while True:
                sum(range(100))
        except kiq.TimeLimitExceeded:
            note("limited", "over its limit")


class Inline(kiq.Job):
    def perform(self) -> None:
        """Run a job within this one: it belongs to the same worker."""
        Plain.perform_inline()


KINDS: tuple[tuple[str, type[Any]], ...] = (
    ("plain", Plain),
    ("items", Items),
    ("async", Coroutine),
)


@pytest.fixture(params=["a host for both", "a host for each"])
def workers(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> Iterator[tuple[DrivenWorker, DrivenWorker]]:
    """Two workers, of the queues "left" and "right"."""
    steps.clear()
    ends.clear()
    shared = kiq.Host()
    made = []
    for name in ("left", "right"):
        host = shared if request.param == "a host for both" else kiq.Host()
        if not host.plugins:
            for plugin in (Metrics, IterationPlugin, TimeLimits, Cancelling, AsyncJobs):
                host.install(plugin())
        capsule = Capsule(queues=((name, 1),), concurrency=5)
        made.append(DrivenWorker(redis_url, tmp_path, capsule, host=host, shutdown_timeout=10.0))
    with untraced(), ExitStack() as stack:
        for worker in made:
            stack.enter_context(worker)
        yield made[0], made[1]
    assert not worker_state.running


def begin(*queues: str) -> dict[tuple[str, str], str]:
    """Start a job of each kind in each queue; return their jids."""
    jids = {
        (queue, kind): job.set(queue=queue).perform_async()
        for queue in queues
        for kind, job in KINDS
    }
    eventually(lambda: set(steps) >= set(jids), 10, message="all have begun")
    return jids


def go_on(queue: str) -> None:
    """Wait until each job of *queue* has got on, several steps from now."""
    before = steps.copy()
    for kind, _ in KINDS:
        eventually(lambda kind=kind: steps[queue, kind] > before[queue, kind] + 10, 10)
    assert not [end for end in ends if end[0] == queue]


def of(queue: str) -> set[tuple[str, str]]:
    """How the jobs of *queue* have ended."""
    return {(kind, how) for where, kind, how in ends if where == queue}


ALL_TOLD = {(kind, "told") for kind, _ in KINDS}


def test_one_stops_while_the_other_goes_on(
    workers: tuple[DrivenWorker, DrivenWorker], raw: redis.Redis
) -> None:
    left, right = workers
    begin("left", "right")
    left.launcher.quiet()
    eventually(lambda: of("left") == ALL_TOLD, 10)
    go_on("right")
    left.launcher.stop()
    go_on("right")
    Limited.set(queue="right").perform_async()
    eventually(lambda: ("limited", "over its limit") in of("right"), 10)
    right.launcher.quiet()
    eventually(lambda: of("right") >= ALL_TOLD, 10)


def test_a_cancel_ends_the_jobs_of_the_one_after_the_other_has_stopped(
    workers: tuple[DrivenWorker, DrivenWorker], raw: redis.Redis
) -> None:
    left, _ = workers
    jids = begin("right")
    left.launcher.stop()
    for jid in jids.values():
        kiq.cancel(jid)
    eventually(lambda: len(of("right")) == len(KINDS), 10)
    assert {how for kind, how in of("right") if kind != "items"} <= {
        "told",
        "Cancelled",
        "CancelledError",
    }
    eventually(lambda: int(raw.get("stat:processed") or 0) == len(KINDS), 10)  # type: ignore[arg-type]


def test_the_deadline_of_one_interrupts_none_of_the_other(
    workers: tuple[DrivenWorker, DrivenWorker],
) -> None:
    left, right = workers
    begin("right")
    Spin.set(queue="left").perform_async()
    eventually(lambda: steps["left", "spin"], 10)
    left.launcher.hurry()
    left.launcher.stop()
    assert ("spin", "Shutdown") in of("left")
    go_on("right")
    assert right.problems == []


class Spin(kiq.Job):
    def perform(self) -> None:
        """Never look whether the worker stops."""
        try:
            while True:
                time.sleep(STEP)
                steps["left", "spin"] += 1
        except BaseException as error:
            note("spin", type(error).__name__)
            raise


def test_a_job_within_a_job_hears_of_its_worker(
    workers: tuple[DrivenWorker, DrivenWorker],
) -> None:
    left, right = workers
    Inline.set(queue="right").perform_async()
    eventually(lambda: steps["default", "plain"] > 1, 10)
    left.launcher.stop()
    before = steps["default", "plain"]
    eventually(lambda: steps["default", "plain"] > before + 10, 10)
    assert not ends
    right.launcher.quiet()
    eventually(lambda: ends == [("default", "plain", "told")], 10)


def test_nothing_can_be_attached_while_one_of_them_runs(
    workers: tuple[DrivenWorker, DrivenWorker],
) -> None:
    left, right = workers
    host = right._host
    attempts: list[Any] = [
        lambda: host.install(Metrics()) if not host.plugins else host.install(Late()),
        lambda: host.on("beat")(print),
        lambda: host.around_push(lambda context, call_next: call_next(context)),
        lambda: host.around_perform(lambda context, call_next: call_next(context)),
        lambda: host.around_attempt(lambda payload, queue, attempt: attempt()),
        lambda: host.on_error(lambda error, context: None),
        lambda: host.on_death(lambda payload, error: None),
        lambda: host.services.append(lambda process: None),
        lambda: host.log_fields.append(lambda payload: {}),
        lambda: host.queue_filters.insert(0, lambda queues: queues),
        lambda: host.error_handlers.extend([print]),
        lambda: host.server_middleware.prepend(lambda context, call_next: call_next(context)),
    ]
    left.launcher.stop()
    for attempt in attempts:
        with pytest.raises(kiq.errors.PluginError, match="comes too late"):
            attempt()
    right.launcher.stop()
    for attempt in attempts:
        attempt()


class Late:
    name = "late"

    def install(self, host: kiq.Host) -> None:
        """Attach nothing."""


def test_who_has_stopped_does_not_stop_again(
    workers: tuple[DrivenWorker, DrivenWorker], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kiq")
    left, _ = workers
    left.launcher.stop()
    assert caplog.messages.count("bye") == 1
    left.launcher.stop()
    assert caplog.messages.count("bye") == 1
