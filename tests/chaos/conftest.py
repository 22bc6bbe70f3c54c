"""Where chaos tests happen."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.arena import Arena
from tests.helpers.proxy import FaultProxy
from tests.helpers.server import TestServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give chaos tests more time than others: several of them share the processors."""
    for item in items:
        if Path(__file__).parent in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture
def arena(
    private_server: Callable[..., TestServer], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Arena]:
    """An arena on a server of its own, which may be killed and paused; AOF is on."""
    place = Arena(private_server(aof="everysec"), tmp_path, zlib.crc32(request.node.name.encode()))
    yield place
    place.close()


@pytest.fixture
def proxy(arena: Arena) -> Iterator[FaultProxy]:
    """A proxy in front of the arena's server."""
    with FaultProxy(arena.server.port) as between:
        yield between
        for worker in arena.workers:
            worker.end()
