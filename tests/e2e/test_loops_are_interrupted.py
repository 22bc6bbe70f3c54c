"""Jobs that are inside kiq, or the log, at every look: their limit, a cancel and a stop reach them."""

from __future__ import annotations

import signal
from typing import Any

import pytest

import kiq
from kiq.codec import decode
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import UNMEASURED, Site, WorkerProcess

pytestmark = pytest.mark.needs("greenlet")

SOON = 7  # seconds; before, a look waited ten for a moment between two pushes, and found none

JOBS = """
import asyncio
import logging

import kiq
from kiq import api
from tests.helpers.jobs import note

log = logging.getLogger("app")


class Next(kiq.Job, queue="elsewhere"):
    def perform(self):
        pass


class Here(kiq.Job):
    def perform(self):
        pass


def pushes():
    Next.perform_async()


def schedules():
    Next.perform_in(3600)


def bulks():
    Next.perform_bulk([() for _ in range(20_000)])


def pushes_a_dict():
    kiq.push({"class": "limited.Next", "args": [], "queue": "elsewhere"})


def looks():
    api.Queue("elsewhere").size


def walks():
    Next.perform_bulk([() for _ in range(300)])
    for job in api.Queue("elsewhere"):
        job.jid


def finds():
    api.RetrySet().find("no such jid")


def acts():
    api.RetrySet().retry_all()


def logs():
    log.info("a line")


def runs_inline():
    Here.perform_inline()


def cancels():
    kiq.cancel("no such jid")


WAYS = {each.__name__: each for each in (
    pushes, schedules, bulks, pushes_a_dict, looks, walks, finds, acts, logs, runs_inline, cancels
)}


class Loops(kiq.Job):
    def perform(self, way):
        note("begin")
        act = WAYS[way]
        while True:
            act()


class LoopsOnItsLoop(kiq.Job):
    def perform(self):
        note("begin")
        asyncio.run(endless())


class LoopsAsync(kiq.Job):
    async def perform(self):
        note("begin")
        await endless()


class LoopsBlocking(kiq.Job):
    async def perform(self):
        note("begin")
        while True:
            Next.perform_async()


async def endless():
    while True:
        await Next.aio.perform_async()


class LoopsItems(kiq.IterableJob):
    heeds_cancelling = False

    def build(self, *, cursor):
        note("begin")
        return ((n, n) for n in range(10 ** 9))

    def each(self, item):
        pass
"""

WAYS = (
    *("pushes", "schedules", "bulks", "pushes_a_dict", "looks", "walks", "finds", "acts"),
    *("logs", "runs_inline", "cancels"),
)
EVERY: tuple[tuple[Any, ...], ...] = (
    *(("Loops", way) for way in WAYS),
    ("LoopsOnItsLoop",),
    ("LoopsAsync",),
    ("LoopsBlocking",),
    ("LoopsItems",),
)


@pytest.fixture
def ours(site: Site) -> Site:
    site.write("limited.py", JOBS)
    return site


def start(site: Site, *arguments: str) -> WorkerProcess:
    return site.run("-r", "limited", "-q", "default", *arguments, **UNMEASURED).wait_until_ready()


def push(site: Site, name: str, *arguments: Any, **fields: Any) -> str:
    return str(site.client.push({"class": f"limited.{name}", "args": list(arguments), **fields}))


def entries(site: Site, key: str) -> list[dict[str, Any]]:
    members: Any = site.store.zrange(key, 0, -1)
    return [decode(member)[0] for member in members]


@pytest.mark.parametrize("job", EVERY, ids=lambda job: job[-1])
def test_a_time_limit_ends_a_loop_with_its_present_step(ours: Site, job: tuple[Any, ...]) -> None:
    start(ours, "-c", "1")
    push(ours, *job, time_limit=0.3)
    ours.noted("begin")
    eventually(lambda: entries(ours, "retry"), SOON)
    (payload,) = entries(ours, "retry")
    assert payload["error_class"] == "kiq.errors.TimeLimitExceeded"


@pytest.mark.parametrize("job", EVERY, ids=lambda job: job[-1])
def test_a_cancel_ends_a_loop_with_its_present_step(ours: Site, job: tuple[Any, ...]) -> None:
    start(ours, "-c", "1")
    jid = push(ours, *job)
    ours.noted("begin")
    kiq.cancel(jid, ours.client)
    eventually(lambda: ours.store.get("stat:processed") == b"1", SOON)
    assert [ours.count(key) for key in ("retry", "dead", "queue:default")] == [0] * 3


@pytest.mark.parametrize("job", EVERY, ids=lambda job: job[-1])
def test_a_stop_ends_a_loop_and_its_job_goes_back(ours: Site, job: tuple[Any, ...]) -> None:
    worker = start(ours, "-c", "3", "-t", "0.2")
    jids = {push(ours, *job) for _ in range(3)}
    ours.noted("begin")
    worker.signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert worker.lines[-1].endswith("bye")
    waiting: Any = ours.store.lrange("queue:default", 0, -1)
    assert {decode(job)[0]["jid"] for job in waiting} == jids
    assert not ours.store.keys("kiq:inflight:*")


def test_a_loop_that_swallows_what_is_raised_is_told_once_and_then_stuck(ours: Site) -> None:
    ours.write(
        "stubborn.py",
        "import kiq, limited\n"
        "class Stubborn(kiq.Job):\n"
        "    def perform(self):\n"
        "        told = 0\n"
        "        while told < 2:\n"
        "            try:\n"
        "                limited.Next.perform_async()\n"
        "            except kiq.TimeLimitExceeded:\n"
        "                told += 1\n"
        "                limited.note(f'told {told}')\n",
    )
    worker = ours.run(
        *("-r", "limited", "-r", "stubborn", "-q", "default", "-c", "1", "-t", "0.2"),
        **{**UNMEASURED, "KIQ_TIME_LIMIT_GRACE": "0.5"},
    ).wait_until_ready()
    ours.client.push({"class": "stubborn.Stubborn", "args": [], "time_limit": 0.2})
    ours.noted("told 1", timeout=SOON)
    worker.says("another thread takes its place", timeout=SOON)
    assert ours.notes == ["told 1"]
