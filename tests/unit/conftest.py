"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import kiq
from kiq import testing
from kiq.registry import Registry
from tests.helpers.testing_jobs import seen


@pytest.fixture
def no_mode(unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[None]:
    """A test of kiq.testing begins and ends without a mode; a push that went to Redis would fail."""
    seen.clear()
    kiq.configure(redis="redis://localhost:1/0")
    yield
    testing.fake()
    testing.clear()
    testing.disabled()
    testing.server_middleware.clear()
