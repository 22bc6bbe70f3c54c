"""Where the recipes are tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import TestServer
from tests.recipes.ground import Ground


@pytest.fixture
def ground(server: TestServer, tmp_path: Path) -> Iterator[Ground]:
    """A folder with an application, and a database, for one recipe."""
    made = Ground(server, tmp_path)
    yield made
    made.close()
