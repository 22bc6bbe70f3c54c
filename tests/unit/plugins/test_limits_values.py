"""Limits as they are written, and the ways in which an API says for how long it is too much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import Message

import pytest

import kiq
from kiq import limits
from kiq.plugins.limits.limited import seconds_until
from kiq.plugins.limits.naming import identity
from kiq.testing import freeze

NOW = datetime(2030, 11, 6, 8, 49, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (30, 30.0),
        ("30", 30.0),
        (" 1.5 ", 1.5),
        (timedelta(minutes=1), 60.0),
        (-5, 0.0),
        (1e9, 86_400.0),
        (float("inf"), 86_400.0),
        ("Wed, 06 Nov 2030 08:49:37 GMT", 30.0),
        ("Wednesday, 06-Nov-30 08:49:37 GMT", 30.0),
        ("Wed, 06 Nov 2019 08:49:37 GMT", 0.0),
        ("2030-11-06T08:50:07+00:00", 60.0),
        (NOW + timedelta(seconds=9), 9.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(said: object, seconds: float) -> None:
    with freeze(NOW):
        assert seconds_until(said) == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("said", ["soon", "", None, True, float("nan"), Message()])
def test_what_is_no_time_is_refused(said: object) -> None:
    with pytest.raises(kiq.PayloadError, match="RateLimited takes seconds, or a date"):
        kiq.RateLimited(said)  # type: ignore[arg-type]


def test_it_is_a_snooze_that_ends_after_a_day() -> None:
    limited = kiq.RateLimited("30", limit="stripe")
    assert isinstance(limited, kiq.Snooze)
    assert (limited.retry_after, limited.limit, limited.longest) == (30.0, "stripe", 86_400.0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: limits.window("with spaces", 1),
        lambda: limits.window("w:x", 1),
        lambda: limits.concurrent("c", 0),
        lambda: limits.concurrent("c", True),
        lambda: limits.window("w", 1, per=0),
        lambda: limits.window("w", 1, per="fortnight"),
        lambda: limits.bucket("b", 5, per="day", cost=6),
        lambda: limits.points("p", 5, refill=0),
    ],
)
def test_what_can_be_no_limit_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="limit"):
        wrong()  # type: ignore[operator]


def test_an_option_says_what_is_wrong() -> None:
    with pytest.raises(kiq.ConfigError, match="limit must be a limit, such as"):

        class Wrong(kiq.Job, limit="stripe"):  # type: ignore[arg-type]
            def perform(self) -> None: ...

    one = limits.concurrent("same", 1)
    with pytest.raises(kiq.ConfigError, match="must not have the same limit twice"):

        class Twice(kiq.Job, limit=[one, one]):
            def perform(self) -> None: ...


def test_keys_are_named_as_people_write_them_or_by_a_digest() -> None:
    assert identity("window", "w", 7) == identity("window", "w", "7") == "window:w:7"
    assert identity("window", "w") == "window:w:"
    long = identity("window", "w", "x" * 200)
    assert long.startswith("window:w:~")
    assert len(long) < 60
    assert identity("window", "w", [1, "a"]) != identity("window", "w", ["1", "a"])
