"""What a job costs may not rise unseen: counted rather than timed, so that any machine can tell.

Each limit is what was counted when it was written, with a margin that has a name. Whoever wins
something lowers the limit; whoever needs more raises it, and says in the commit what that buys.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import redis

import kiq
from kiq.boot import install_plugins
from kiq.client import Client
from kiq.plugin import Host
from tests.helpers.cost import (
    Repeated,
    Traffic,
    blocks_left,
    calls_each,
    traffic_of,
    traffic_so_far,
)
from tests.helpers.counting_proxy import CountingProxy
from tests.helpers.hot_path import couriering, executing, in_hundreds, payloads, processing
from tests.helpers.noop import Noop
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import UNMEASURED, Site

pytestmark = pytest.mark.bare_names  # urls, clients and calls that are counted

# Calls, Python's and C's, as Python 3.11 counts them

CALLS_OF_THE_EXECUTOR = 18  # two short ones make a run: less time than one long one
CALLS_WITH_STANDARD_PLUGINS = 27  # metrics, and looking which other layers a payload needs
CALLS_OF_A_PROCESSOR = 22  # those of the executor among them
CALLS_OF_THE_COURIER = 9
CALLS_OF_PERFORM_ASYNC = 45
CALLS_OF_A_PUSH = 57
CALLS_OF_A_BULK = 21  # for each of its payloads
CALLS_OF_PERFORM_BULK = 10  # for each of its jobs
#: Other versions see a with statement or a comprehension otherwise.
OTHER_VERSIONS = 0 if sys.version_info[:2] == (3, 11) else 4

# Memory, in blocks for each job

GARBAGE = 0  # nothing refers to itself: what a job leaves goes at once
FREE_LISTS = 0.05  # what the interpreter keeps for the next object of a kind

# Redis

JOBS = 20_000
#: A busy courier speaks to Redis once for so many jobs, or, where those come slower, once in so long.
JOBS_A_TRIP, SECONDS_A_TRIP = 125, 0.006
SCRIPTS_A_TRIP = 2  # settle and fetch
COMMANDS_A_TRIP = 20  # inside those two
BACKGROUND = 20  # commands, and round trips: heartbeat, poller and reclaimer meanwhile
COMMANDS_OF_A_PUSH = 3  # SADD, LPUSH, and a look at who is idle
BYTES_OF_A_PUSH = 276  # the payload of 138 among them
COMMANDS_OF_A_BULK = 3  # of 1,000 jobs
BYTES_OF_A_JOB_IN_A_BULK = 138
JID_OR_CLOCK_GROWS = 2  # bytes


@pytest.fixture(autouse=True)
def without_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of kiq.testing that ran in this process leave it attached: each push would ask it."""
    monkeypatch.setattr(kiq.client, "stand_ins", [])


def within(what: str, spent: float, limit: float, most: Counter[str] | None = None) -> None:
    """Fail where *what* costs more than *limit*, and say what to do; *most* are calls, by name."""
    calls = ", ".join(f"{name} {n:g}" for name, n in (most or Counter()).most_common())
    assert spent <= limit, (
        f"{what}: {spent:g}, and {limit:g} were allowed. Measure with benchmarks/load.py (for a push "
        "benchmarks/enqueue.py), and either win it back, or raise the limit and say what that buys"
        + (f". It calls {calls}" if calls else "")
    )


def calls_within(what: str, action: Repeated, limit: int) -> None:
    calls = calls_each(action)
    within(f"calls of {what}", calls.total(), limit + OTHER_VERSIONS, calls)


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    """Jobs are not logged, whatever ran before."""
    caplog.set_level(logging.WARNING, logger="kiq.job")


# A job in the worker, without Redis


def test_the_executor_calls_no_more_than_it_did() -> None:
    calls_within("the executor for a job", executing(), CALLS_OF_THE_EXECUTOR)


@pytest.mark.needs("greenlet")  # other tests may have registered jobs that are async
def test_the_plugins_that_a_worker_has_by_itself_call_no_more_than_they_did() -> None:
    host = Host()
    install_plugins(host, [])
    calls_within("the executor for a job", executing(host), CALLS_WITH_STANDARD_PLUGINS)


def test_a_processor_calls_no_more_than_it_did() -> None:
    calls_within("a processor for a job", processing(), CALLS_OF_A_PROCESSOR)


def test_the_courier_calls_no_more_than_it_did(raw: redis.Redis, redis_url: str) -> None:
    calls_within("the courier for a job", couriering(redis_url), CALLS_OF_THE_COURIER)


def test_a_job_leaves_no_more_garbage_than_it_did() -> None:
    left = blocks_left(in_hundreds(processing()), 1000, collect=False) / 1000
    within("blocks of memory that a job leaves to the collector", left, GARBAGE + FREE_LISTS)


def test_a_job_that_ran_leaves_nothing_for_good() -> None:
    left = blocks_left(in_hundreds(processing()), 1000, collect=True) / 1000
    within("blocks of memory that a job leaves for good", left, FREE_LISTS)


def test_a_job_that_was_carried_leaves_nothing(raw: redis.Redis, redis_url: str) -> None:
    left = blocks_left(in_hundreds(couriering(redis_url)), 1000, collect=False) / 1000
    within("blocks of memory that the courier leaves for a job", left, FREE_LISTS)


# A push


def pushing_one_by_one(count: int) -> None:
    for _ in range(count):
        Noop.perform_async(1)


@pytest.fixture
def bulk(kiq_client: Client) -> Repeated:
    """Push so many payloads in one slice."""
    bare = payloads(1000)
    return lambda count: kiq_client.push_slices(bare[:count])


def test_perform_async_calls_no_more_than_it_did(kiq_client: Client) -> None:
    calls_within("perform_async", pushing_one_by_one, CALLS_OF_PERFORM_ASYNC)


def test_a_push_of_a_payload_calls_no_more_than_it_did(kiq_client: Client) -> None:
    bare = payloads(1000)

    def action(count: int) -> None:
        for payload in bare[:count]:
            kiq_client.push(payload)

    calls_within("Client.push", action, CALLS_OF_A_PUSH)


def test_a_bulk_calls_no_more_for_a_job_than_it_did(bulk: Repeated) -> None:
    calls_within("Client.push_slices for a job", bulk, CALLS_OF_A_BULK)


def test_perform_bulk_calls_no_more_for_a_job_than_it_did(kiq_client: Client) -> None:
    jobs = [(number,) for number in range(1000)]
    calls_within(
        "perform_bulk for a job",
        lambda count: Noop.perform_bulk(jobs[:count]),
        CALLS_OF_PERFORM_BULK,
    )


def test_a_push_leaves_nothing(bulk: Repeated) -> None:
    for what, push in {"perform_async": pushing_one_by_one, "a job of a bulk": bulk}.items():
        left = blocks_left(push, 300, collect=False) / 300
        within(f"blocks of memory that {what} leaves", left, FREE_LISTS)


def test_a_push_costs_redis_no_more_than_it_did(raw: redis.Redis, kiq_client: Client) -> None:
    pushing_one_by_one(1)  # connects, and loads the scripts
    cost = traffic_of(raw, lambda: pushing_one_by_one(100))
    within("script calls of perform_async", cost.scripts / 100, 1)
    within("round trips of perform_async", cost.round_trips / 100, 1)
    within("commands of perform_async", cost.commands / 100, COMMANDS_OF_A_PUSH)
    limit = BYTES_OF_A_PUSH + JID_OR_CLOCK_GROWS
    within("bytes that perform_async writes", cost.bytes_read / 100, limit)


def test_a_bulk_costs_redis_no_more_than_it_did(
    raw: redis.Redis, kiq_client: Client, server: TestServer
) -> None:
    jobs = [(1,)] * 1000
    with CountingProxy(server.port) as proxy:
        kiq.configure(redis=proxy.url)
        Noop.perform_bulk(jobs)
        trips = proxy.round_trips
        cost = traffic_of(raw, lambda: Noop.perform_bulk(jobs))
        within("round trips of a bulk of 1,000", proxy.round_trips - trips, 1)
    within("script calls of a bulk of 1,000", cost.scripts, 1)
    within("commands of a bulk of 1,000", cost.commands, COMMANDS_OF_A_BULK)
    limit = BYTES_OF_A_JOB_IN_A_BULK + JID_OR_CLOCK_GROWS
    within("bytes that a job of a bulk takes", cost.bytes_read / 1000, limit)


# A worker process, and what it costs Redis


def drain(site: Site) -> tuple[Traffic, float]:
    """Let the worker of *site* drain the jobs; return what Redis did, and seconds."""
    for _ in range(JOBS // 1000):
        site.client.push_slices([{**each, "queue": "aside"} for each in payloads(1000)])

    def settled() -> int:
        return int(site.store.getrange("stat:processed", 0, -1) or 0)

    aim = settled() + JOBS
    before, began = traffic_so_far(site.store), monotonic()
    site.store.rename("queue:aside", "queue:default")
    eventually(lambda: settled() >= aim, 30, message=f"{JOBS} jobs are done")
    seconds = monotonic() - began
    return traffic_so_far(site.store) - before, seconds


def trips_allowed(seconds: float) -> float:
    return max(JOBS / JOBS_A_TRIP, seconds / SECONDS_A_TRIP) + BACKGROUND


def test_a_drain_costs_redis_no_more_than_it_did(
    private_server: Callable[..., TestServer], tmp_path: Path
) -> None:
    site = Site(private_server(), tmp_path)
    try:
        # Without coverage, and at the log level of a benchmark: both change how fast jobs come.
        quiet: dict[str, Any] = {"KIQ_LOG_LEVEL": "warning", **UNMEASURED}
        worker = site.run("-r", "tests.helpers.noop", **quiet)
        eventually(lambda: site.store.exists("processes"), 20, message=f"it works: {worker.log}")
        # The machine may be busy with something else: what kiq can do, it can do once in three.
        for _ in range(3):
            cost, seconds = drain(site)
            if cost.round_trips <= trips_allowed(seconds):
                break
    finally:
        site.close()
    trips = trips_allowed(seconds)
    within(f"round trips for {JOBS} jobs in {seconds:.1f} s", cost.round_trips, trips)
    within(f"script calls for {JOBS} jobs", cost.scripts, trips * SCRIPTS_A_TRIP)
    limit = trips * COMMANDS_A_TRIP + BACKGROUND
    within(f"commands for {JOBS} jobs", cost.commands, limit)
