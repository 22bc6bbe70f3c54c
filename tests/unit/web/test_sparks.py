"""Drawings."""

from __future__ import annotations

import pytest

from kiq.web.charts import bars, spark

pytestmark = pytest.mark.needs("werkzeug")


def test_a_line_touches_its_box_and_stays_in_it() -> None:
    drawn = spark([0, 5, 10], width=100, height=30)
    assert drawn is not None
    assert drawn.line == "M0,29 L50,15 L100,1"
    assert drawn.area == "M0,29 L50,15 L100,1 L100,30 L0,30 Z"
    assert (drawn.top, drawn.last) == (10, 10)


def test_nothing_happened_is_a_line_at_the_bottom() -> None:
    drawn = spark([0, 0], width=10, height=10)
    assert drawn is not None
    assert drawn.line == "M0,9 L10,9"


def test_one_value_is_no_line() -> None:
    assert spark([1]) is None


def test_bars_stand_side_by_side_and_what_is_not_0_is_seen() -> None:
    drawn = bars([0, 1, 1000], width=90, height=50)
    none, small, high = drawn.bars
    assert (none.height, small.height, high.height) == (0, 2, 50)
    assert (high.y, small.y) == (0, 48)
    assert [bar.x for bar in drawn.bars] == [1, 31, 61]
    assert drawn.top == 1000


def test_no_bars_of_nothing() -> None:
    assert list(bars([]).bars) == []
