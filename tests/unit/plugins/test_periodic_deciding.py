"""What becomes of ticks that are due, against a plain model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiq.plugins.declared.periodic_entry import parse
from kiq.plugins.periodic.deciding import GRACE, MOST, plan

NOW = 1_900_000_000


@given(
    st.integers(1, 100_000),
    st.integers(0, 500),
    st.floats(0, 1),
    st.sampled_from(["once", "skip", "all"]),
    st.integers(1, 10**6),
    st.sampled_from(["allow", "skip", "queue", "cancel"]),
    st.booleans(),
)
def test_each_tick_runs_or_is_counted_and_none_twice(
    every: int, behind: int, part: float, missed: str, within: int, overlap: str, waited: bool
) -> None:
    written: dict[str, Any] = {"every": every, "class": "a.B", "missed": missed, "within": within}
    entry = parse("x", {**written, "overlap": overlap})
    first = entry.rule.after(NOW)
    assert first is not None
    now = first + every * (behind + part * 0.999)
    due = [first + every * number for number in range(behind + 1)]
    waited = waited and overlap == "queue"
    decided = plan(entry, first, now, waited=waited)
    assert decided.runs == sorted(set(decided.runs))
    assert set(decided.runs) <= set(due)
    assert decided.following == due[-1] + every
    before = [tick for tick in due if not decided.runs or tick < decided.runs[0]]
    assert decided.missed == len(before)
    if decided.runs:
        assert due[len(before) :] == decided.runs  # the last ones, without a gap
    late = now - due[-1]
    if late <= GRACE:
        assert due[-1] in decided.runs  # on time, whatever the policy
    if missed == "once" or overlap == "queue":
        assert len(decided.runs) <= 1
    if waited:  # for its turn, which is not missed
        assert decided.runs == [due[-1]]
    elif missed == "skip":
        assert bool(decided.runs) == (late <= GRACE)
    else:
        assert all(now - tick <= max(within, GRACE) + 1 for tick in decided.runs)
    assert len(decided.runs) <= MOST


def test_a_tick_is_on_time_within_a_minute() -> None:
    entry = parse("x", {"every": 600, "class": "a.B", "missed": "skip"})
    tick = entry.rule.after(NOW)
    assert tick is not None
    assert plan(entry, tick, tick + 59.9).runs == [tick]
    assert plan(entry, tick, tick + 60.1).runs == []


def minutely(**more: Any) -> Any:
    return parse("x", {"every": 60, "class": "a.B", **more})


@pytest.mark.parametrize(
    ("entry", "waited", "runs", "missed"),
    [
        (minutely(), False, [-60], 9),
        (minutely(missed="all", within=250), False, [-240, -180, -120, -60], 6),
        (minutely(missed="skip"), False, [-60], 9),
        (minutely(overlap="queue"), True, [-60], 9),
    ],
)
def test_of_ten_ticks_that_nobody_took(
    entry: Any, waited: bool, runs: list[int], missed: int
) -> None:
    now = NOW // 60 * 60
    decided = plan(entry, now - 600, now - 1, waited=waited)
    assert [tick - now for tick in decided.runs] == runs
    assert decided.missed == missed
    assert decided.following == now


def test_what_has_waited_for_long_is_not_missed_and_a_storm_has_an_end() -> None:
    daily = parse("x", {"every": 86_400, "class": "a.B", "missed": "skip", "overlap": "queue"})
    tick = daily.rule.after(NOW)
    assert tick is not None
    assert plan(daily, tick, tick + 7200, waited=True).runs == [tick]
    assert plan(daily, tick, tick + 7200).runs == []
    storm = plan(minutely(missed="all", within=86_400), NOW // 60 * 60, NOW + 60 * 500)
    assert len(storm.runs) == MOST
