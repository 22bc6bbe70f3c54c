"""The Rubies that the tests of this folder run with, each in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.rubies import wanted
from tests.helpers.ruby_land import Land
from tests.helpers.server import TestServer

RUBIES, _ = wanted()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run nothing where there is no Ruby; the summary says why (tests.helpers.rubies)."""
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    if ours and not RUBIES:
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="module", params=RUBIES, ids=[ruby.name for ruby in RUBIES])
def land(
    request: pytest.FixtureRequest, server: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Land]:
    """A database that one Ruby and kiq share, for the tests of a module."""
    shared = Land(request.param, server, tmp_path_factory.mktemp(f"ruby-{request.param.name}"))
    yield shared
    shared.close()
