"""Each way to reach Redis, from producer to job, also where hiredis is not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.sentinel import watching
from tests.helpers.server import TestServer
from tests.helpers.tls import TlsFront
from tests.helpers.without import without
from tests.helpers.worker_process import Site

URLS = ("redis://", "unix://", "rediss://")
CLIENTS = ("client", "resp3", "sentinel")
APPLICATION = "tests.helpers.ways"


@pytest.fixture(params=["hiredis", "no hiredis"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """What processes are told so that they have hiredis, or none."""
    return without(tmp_path / "blocked", "hiredis") if request.param == "no hiredis" else {}


@pytest.fixture
def way(
    request: pytest.FixtureRequest, site: Site, server: TestServer, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """The variables that lead to the site's database in the way that the test names."""
    with ExitStack() as opened:
        variables = {"WAY": "url", "DATABASE": str(site.database)}
        if request.param == "redis://":
            variables["REDIS_URL"] = f"redis://127.0.0.1:{server.port}/{site.database}"
        elif request.param == "unix://":
            variables["REDIS_URL"] = f"unix://{server.socket}?db={site.database}"
        elif request.param == "rediss://":
            front = opened.enter_context(TlsFront(server.port, tmp_path))
            variables["REDIS_URL"] = front.url(site.database)
        elif request.param == "sentinel":
            variables["WAY"] = f"sentinel:{opened.enter_context(watching(server, tmp_path))}"
        elif request.param in CLIENTS:
            variables["WAY"] = f"{request.param}:{server.port}"
        yield variables


@pytest.mark.parametrize("way", [*URLS, *CLIENTS], indirect=True)
def test_jobs_are_pushed_seen_and_run(
    site: Site, way: dict[str, str], reader: dict[str, str]
) -> None:
    variables = {**way, **reader}
    producer = site.run(command=(sys.executable, "-m", APPLICATION), **variables)
    assert producer.wait(30) == 0, producer.log
    assert producer.lines == ["['aio 1', 'aio 2', 'alone', 'bulk 1', 'bulk 2']", "5 1"]
    worker = site.run("-r", APPLICATION, **variables).wait_until_ready()
    site.noted("alone", "bulk 1", "bulk 2", "aio 1", "aio 2", "later")
    assert worker.stop() == 0
    assert "ERROR" not in worker.log


@pytest.mark.parametrize("way", URLS, indirect=True)
def test_commands_look_at_redis(site: Site, way: dict[str, str], reader: dict[str, str]) -> None:
    site.push("Note", "waits")
    variables = {**way, **reader}
    for arguments, said in (
        (("check",), "ok"),
        (("stats",), "enqueued"),
        (("queues",), "default"),
        (("doctor",), "Redis"),
    ):
        command = site.run(*arguments, **variables)
        assert command.wait(30) in ((0, 3, 4) if arguments == ("doctor",) else (0,)), command.log
        assert said in command.log


def test_an_embedded_server_is_spoken_to_without_hiredis(
    site: Site, tmp_path: Path, server: TestServer
) -> None:
    variables = {
        **without(tmp_path / "blocked", "hiredis"),
        "REDIS_URL": f"embedded:{tmp_path / 'data'}",
        "KIQ_REDIS_SERVER": str(server.binary),
        "WAY": "url",
        "DATABASE": "0",
    }
    producer = site.run(command=(sys.executable, "-m", APPLICATION), **variables)
    assert producer.wait(30) == 0, producer.log
    worker = site.run("-r", APPLICATION, **variables).wait_until_ready()
    site.noted("alone", "bulk 1", "bulk 2", "aio 1", "aio 2", "later")
    assert worker.stop() == 0
