"""Charts over time: lines stay in their box, gaps are gaps, and a map shows also what is rare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kiq.web.plots import Axis, bars, heat, line, top_of_counts, top_of_spans

pytestmark = pytest.mark.needs("werkzeug")

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = Axis(NOON, timedelta(minutes=1), 60)
FOUR = Axis(NOON, timedelta(minutes=1), 4)


def test_a_line_has_a_gap_where_nothing_ran_and_a_dot_where_a_value_stands_alone() -> None:
    assert line([1, 2, None, 4], 4) == "M125.0,75.0 L375.0,50.0 M875.0,0.0 h0.1"
    assert line([None, None], 4) == ""
    assert line([], 4) == ""


def test_a_line_stays_in_its_box() -> None:
    assert line([9.0], 4) == "M500.0,0.0 h0.1"
    assert line([0.0], 0) == "M500.0,100.0 h0.1"


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (1, 1), (2, 2), (7, 8), (9, 10), (350, 400), (1000, 1000)]
)
def test_counts_go_to_a_round_number(most: int, top: float) -> None:
    assert top_of_counts([0, most]) == top


@pytest.mark.parametrize(
    ("most", "top"), [(0.003, 0.01), (0.35, 0.4), (5.1, 6), (61, 120), (9e6, 9e6)]
)
def test_times_go_to_a_round_number(most: float, top: float) -> None:
    assert top_of_spans([None, most]) == top


def test_nothing_has_a_scale_too() -> None:
    assert top_of_spans([None]) > 0
    assert top_of_counts([]) == 1


def test_times_stand_under_both_ends() -> None:
    ticks = HOUR.ticks
    assert [tick.place for tick in ticks] == [0, 25, 50, 75, 100]
    assert [f"{tick.at:%H:%M}" for tick in ticks] == ["12:00", "12:15", "12:30", "12:45", "13:00"]
    assert (ticks[0].anchor, ticks[-1].anchor) == ("start", "end")
    assert HOUR.form == "%H:%M"
    assert "%d" in Axis(NOON, timedelta(hours=1), 72).form


def test_a_deploy_stands_where_it_was_and_none_of_another_time() -> None:
    marks = HOUR.marks(
        {
            NOON + timedelta(minutes=30): "b",
            NOON: "a",
            NOON - timedelta(minutes=1): "before",
            NOON + timedelta(minutes=61): "after",
        }
    )
    assert [(mark.place, mark.label) for mark in marks] == [(0, "a"), (50, "b")]


def test_a_column_has_its_bad_part() -> None:
    drawn = bars([10, 0, 5], [5, 0, 0], Axis(NOON, timedelta(minutes=1), 3), 10)
    assert [(bar.height, bar.bad) for bar in drawn] == [(100, 50), (50, 0)]
    assert drawn[1].place == pytest.approx(66.667)


def test_a_map_shows_the_buckets_that_are_used_and_one_run_beside_thousands() -> None:
    columns = [[0, 0, 5000, 0], [], [0, 0, 0, 1], [0, 70, 0, 0]]
    drawn = heat(columns, FOUR)
    assert drawn is not None
    assert (drawn.lowest, drawn.highest) == (1, 3)
    assert list(drawn.rows) == [3, 2, 1]
    found = [(cell.bucket, cell.row, cell.level, cell.count) for cell in drawn.cells]
    assert found == [(2, 1, 6, 5000), (3, 2, 1, 1), (1, 0, 3, 70)]
    assert drawn.cells[1].at == NOON + timedelta(minutes=2)


def test_a_map_of_single_runs_is_seen_and_one_of_nothing_is_none() -> None:
    drawn = heat([[1], [0], [], [1]], FOUR)
    assert drawn is not None
    assert {cell.level for cell in drawn.cells} == {6}
    assert heat([[0], []], FOUR) is None
