"""The pytest plugin of kiq: fixtures ``kiq_fake`` and ``kiq_inline``, and the marker ``kiq``.

Beside the package, not inside: pytest imports this file in every run, and nothing of kiq with it
until a test asks.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Iterator
from typing import Any

import pytest

_MODES = ("fake", "inline", "disabled")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers", 'kiq(mode): run the test with kiq.testing in mode "fake", "inline" or "disabled"'
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker that can't be meant, before any test runs."""
    for item in items:
        marker = item.get_closest_marker("kiq")
        if marker and (len(marker.args) != 1 or marker.args[0] not in _MODES or marker.kwargs):
            raise pytest.UsageError(
                f"{item.nodeid}: write @pytest.mark.kiq(mode) with one of {', '.join(_MODES)}"
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Set the mode of a marked test, its fixtures included."""
    marker = item.get_closest_marker("kiq")
    if marker is None:
        return (yield)
    with _testing().scoped(marker.args[0], process_wide=True):
        return (yield)


@pytest.fixture
def kiq_fake() -> Iterator[Any]:
    """``kiq.testing``, for this test in fake mode, in all threads; begins without jobs."""
    testing = _testing()
    with testing.scoped("fake", process_wide=True):
        yield testing


@pytest.fixture
def kiq_inline() -> Iterator[Any]:
    """``kiq.testing``, for this test in inline mode, in all threads."""
    testing = _testing()
    with testing.scoped("inline", process_wide=True):
        yield testing


def _testing() -> Any:
    return importlib.import_module("kiq.testing")
