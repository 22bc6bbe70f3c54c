"""Where the worker processes of these tests run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import TestServer
from tests.helpers.worker_process import Site, WorkerProcess


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    """A folder and a database for this test alone."""
    alone = Site(server, tmp_path)
    yield alone
    alone.close()


@pytest.fixture(scope="module")
def shared(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A folder and a database for the tests of a module that share :func:`worker`."""
    common = Site(server, tmp_path_factory.mktemp("shared"))
    yield common
    common.close()


@pytest.fixture(scope="module")
def worker(shared: Site) -> WorkerProcess:
    """The worker that the tests of a module share: don't stop it."""
    return shared.start()
