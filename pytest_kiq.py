"""The pytest plugin of kiq: fixtures ``kiq_fake``, ``kiq_inline``, ``kiq_clock``, and the marker ``kiq``.

Beside the package, not inside: pytest imports this file in every run, and nothing of kiq with it
until a test asks.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

_MODES = ("fake", "inline", "disabled")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers", 'kiq(mode): run the test with kiq.testing in mode "fake", "inline" or "disabled"'
    )


@pytest.hookimpl(hookwrapper=True)  # the older form: this file is imported by any pytest there is
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Set the mode of a marked test, its fixtures included."""
    marker = item.get_closest_marker("kiq")
    if marker is None or not _can_be_meant(marker):
        yield
    else:
        with _testing().scoped(marker.args[0], process_wide=True):
            yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker can't be meant: without its mode it might push to Redis."""
    marker = item.get_closest_marker("kiq")
    if marker is not None and not _can_be_meant(marker):
        pytest.fail(f"write @pytest.mark.kiq(mode) with one of {', '.join(_MODES)}", pytrace=False)


def _can_be_meant(marker: pytest.Mark) -> bool:
    return len(marker.args) == 1 and marker.args[0] in _MODES and not marker.kwargs


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


@pytest.fixture
def kiq_clock() -> Iterator[Any]:
    """A :class:`kiq.testing.Clock` that stands still until the test says ``advance``."""
    with _testing().freeze() as clock:
        yield clock


def _testing() -> Any:
    return importlib.import_module("kiq.testing")
