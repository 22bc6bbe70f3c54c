"""Times as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kiq.web.clocks import clock_time, iso_time, known_zone, moved, zone_time

pytestmark = pytest.mark.needs("werkzeug")

AT = 1_796_117_400.0  # 1 December 2026, 09:30 UTC


def test_times_are_those_of_utc_or_of_a_zone() -> None:
    assert iso_time(AT) == "2026-12-01T09:30:00Z"
    assert clock_time(AT) == "09:30"
    assert clock_time(AT, days=True) == "1 Dec 09:30"
    assert zone_time(AT, "Asia/Tokyo") == "Tue 1 Dec 18:30"
    assert zone_time(AT + 7, "UTC", seconds=True) == "Tue 1 Dec 09:30:07"


@pytest.mark.parametrize("zone", ["Not/There", "../etc/passwd", "", "\x00", "Europe"])
def test_what_is_no_zone_has_no_time(zone: str) -> None:
    assert zone_time(AT, zone) == "?"
    assert clock_time(AT, zone=zone) == "?"
    assert known_zone(zone) == "UTC"


def test_a_zone_is_taken_as_it_is_called() -> None:
    assert known_zone("Asia/Tokyo") == "Asia/Tokyo"
    assert clock_time(AT, True, "Asia/Tokyo") == "1 Dec 18:30"
    assert known_zone("A" * 100_000) == "UTC"
    noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert moved(noon, "Asia/Tokyo").hour == 21
    assert moved(noon, "Not/There").hour == 12


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e300, -1e300])
def test_what_is_no_time_is_told_so(at: float) -> None:
    assert iso_time(at) == clock_time(at) == zone_time(at, "UTC") == "?"
