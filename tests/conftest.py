"""Fixtures for tests that need a real server. Unit tests use none of them and start none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.helpers.server import TestServer


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    """The one server of this pytest process, without persistence: don't kill or pause it."""
    shared = TestServer()
    yield shared
    shared.stop()


@pytest.fixture
def redis_url(server: TestServer) -> str:
    """The URL of the shared server, emptied for this test."""
    server.flush()
    return server.url


@pytest.fixture
def raw(redis_url: str, server: TestServer) -> Iterator[redis.Redis]:
    """A plain redis client on the shared server, emptied for this test."""
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def private_server() -> Iterator[Callable[..., TestServer]]:
    """Make servers of a test's own, with the arguments of TestServer; all stopped at the end."""
    made: list[TestServer] = []

    def make(*args: object, **options: object) -> TestServer:
        made.append(TestServer(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.stop()
