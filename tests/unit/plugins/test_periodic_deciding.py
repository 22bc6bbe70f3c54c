"""What becomes of ticks that are due, against a plain model."""

from __future__ import annotations

from typing import Any

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
