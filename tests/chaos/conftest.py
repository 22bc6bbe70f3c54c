"""Where chaos tests happen."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.arena import Arena
from tests.helpers.server import TestServer


@pytest.fixture
def arena(
    private_server: Callable[..., TestServer], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Arena]:
    """An arena on a server of its own, which may be killed and paused; AOF is on."""
    place = Arena(private_server(aof="everysec"), tmp_path, zlib.crc32(request.node.name.encode()))
    yield place
    place.close()
