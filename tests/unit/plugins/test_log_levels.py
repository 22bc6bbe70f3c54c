"""The level of one job's run: who is heard, and what stays as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from kiq.middleware import ServerContext
from kiq.plugins.log_levels import LogLevels

logger = logging.getLogger("tests.log_levels")


@pytest.fixture(autouse=True)
def levels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logging.Logger, "isEnabledFor", logging.Logger.isEnabledFor)
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()  # type: ignore[attr-defined]
    yield
    logging.disable(logging.NOTSET)


def heard(wanted: Any, level: int = logging.DEBUG) -> bool:
    """Whether a line of *level* passes the logger inside a run with that log_level."""
    context = ServerContext({"log_level": wanted}, "q", None, None)
    return bool(LogLevels()(context, lambda _: logger.isEnabledFor(level)))


def test_a_run_is_heard_from_its_level_up() -> None:
    assert heard("debug")
    assert heard("DEBUG")
    assert not heard("info")
    assert not heard("error")
    assert heard("error", logging.INFO)  # the handler drops it: see kiq.log


@pytest.mark.parametrize("wanted", ["nonsense", "", "notset", None, 10, ["debug"], {"a": 1}])
def test_what_is_no_level_changes_nothing(wanted: Any) -> None:
    assert not heard(wanted)
    assert heard(wanted, logging.INFO)


def test_outside_of_the_run_all_is_as_before() -> None:
    assert heard("debug")
    assert not logger.isEnabledFor(logging.DEBUG)
    with pytest.raises(ValueError):
        LogLevels()(ServerContext({"log_level": "debug"}, "q", None, None), lambda _: int("x"))
    assert not logger.isEnabledFor(logging.DEBUG)


def test_what_the_application_has_switched_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    logging.disable(logging.DEBUG)
    assert not heard("debug")
    logging.disable(logging.NOTSET)
    assert heard("debug")
    monkeypatch.setattr(logger, "disabled", True)
    assert not heard("debug")
