"""A Redis in cluster mode, which kiq does not work with yet: a sentence, and exit code 78."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import pytest

import kiq
from kiq.api import Queue
from kiq.client import Client
from kiq.config import Redis
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

SENTENCE = "is in cluster mode, which kiq does not work with yet"


def is_told(words: str, database: int) -> bool:
    # Valkey counts databases in cluster mode, Redis refuses to change them.
    return SENTENCE in words or (database > 0 and "0 alone in cluster mode" in words)


@pytest.fixture(scope="module", params=["whole", "without slots"])
def cluster(request: pytest.FixtureRequest) -> Iterator[TestServer]:
    """A cluster of one node: one that serves all slots, and one that is not set up."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bus = probe.getsockname()[1]  # else its own port and 10,000, which there may not be
    server = TestServer("--cluster-enabled", "yes", "--cluster-port", str(bus))
    if request.param == "whole":
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]
            eventually(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))  # type: ignore[no-untyped-call]
    yield server
    server.stop()


@pytest.mark.parametrize("database", [0, 3])
def test_a_worker_says_so_and_does_not_start(
    site: Site, cluster: TestServer, database: int
) -> None:
    worker = site.run("-r", JOBS, REDIS_URL=f"{cluster.tcp_url.removesuffix('0')}{database}")
    assert worker.wait() == 78
    assert is_told(worker.log, database)
    assert "Traceback" not in worker.log


@pytest.mark.parametrize(
    "command",
    [
        "stats",
        "ps",
        "queues",
        "retries",
        "doctor",
        "push X 1",
        "pause default",
        "clear-queue default -y",
        "stop all",
        "dead retry --all -y",
    ],
)
def test_a_command_says_so(site: Site, cluster: TestServer, command: str) -> None:
    process = site.run(*command.split(), REDIS_URL=cluster.tcp_url)
    assert process.wait() == 78
    (line,) = process.lines
    assert line.startswith("kiq: ")
    assert SENTENCE in line


@kiq.job(name="cluster.work")
def work() -> None: ...


@pytest.mark.parametrize(
    "push",
    [
        lambda client: work.via(client).perform_async(),
        lambda client: work.via(client).perform_in(60),
        lambda client: work.via(client).perform_bulk([(), ()]),
        lambda client: asyncio.run(work.via(client).aio.perform_async()),
        lambda client: Queue("default", client).pause(),
    ],
)
@pytest.mark.parametrize("database", [0, 3])
def test_a_producer_is_told_so(
    cluster: TestServer, push: Callable[[Client], object], database: int
) -> None:
    client = Client(Redis(url=f"{cluster.tcp_url.removesuffix('0')}{database}"))
    with pytest.raises(kiq.StoreUnsuitable) as raised:
        push(client)
    assert is_told(str(raised.value), database)
