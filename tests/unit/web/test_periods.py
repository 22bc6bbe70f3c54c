"""Periods of metrics: as many steps as a chart has room for, and what a deploy changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kiq.api import JobMetrics
from kiq.web.periods import OVER, Compared, compared, parts

pytestmark = pytest.mark.needs("werkzeug")

NOW = datetime(2026, 12, 1, 12, 34, 56, 789, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("name", "steps"), [("1h", 60), ("8h", 96), ("24h", 72), ("72h", 72)])
def test_a_chart_has_room_for_its_steps(name: str, steps: int) -> None:
    axis = OVER[name].axis(NOW)
    assert axis.count == steps
    until = axis.since + axis.step * axis.count
    assert NOW < until <= NOW + OVER[name].step
    assert OVER[name].has_runs == (name in ("1h", "8h"))


def job(**minutes_ago: tuple[int, int, float]) -> JobMetrics:
    """A class that ran so often, failed so often, for so many seconds each."""
    made = JobMetrics(name="Mail")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for ago, (ended, failed, seconds) in minutes_ago.items():
        at = now - int(ago[1:]) * MINUTE
        numbers = made.at(at)
        numbers.processed, numbers.failed = ended, failed
        numbers.run_time = (ended - failed) * seconds
    made.total()
    return made


def test_parts_add_up_to_the_whole() -> None:
    mail = job(m3=(2, 1, 1.0), m1=(5, 0, 2.0), m7=(1, 0, 1.0))
    axis = OVER["8h"].axis(datetime.now(UTC))
    found = parts(mail, axis)
    assert len(found) == axis.count
    assert sum(each.processed for each in found) == mail.processed == 8
    assert sum(each.run_time for each in found) == mail.run_time


def test_before_and_after_leave_the_minute_of_the_deploy_out() -> None:
    mail = job(m20=(10, 0, 1.0), m11=(10, 0, 1.0), m10=(99, 99, 9.0), m9=(10, 5, 3.0))
    at = datetime.now(UTC).replace(second=0, microsecond=0) - 10 * MINUTE
    found = compared(mail, at, "v2", OVER["1h"])
    assert found.runs == (20, 10)
    figures = {each.name: each for each in found.figures}
    assert (figures["failed"].before, figures["failed"].after) == (0.0, 0.5)
    assert figures["mean run"].told == "+200 %"
    assert figures["mean run"].worse
    assert figures["runs a minute"].before == 2  # since it was there, not since the hour began
    assert "run p50" not in figures  # nothing is known of it


@pytest.mark.parametrize(
    ("before", "after", "told", "worse"),
    [
        (1.0, 1.1, "+10 %", False),
        (1.0, 1.5, "+50 %", True),
        (1.0, 0.5, "−50 %", False),
        (0.004, 0.12, "× 30.0", True),
        (0.0, 1.0, "", False),
        (None, 1.0, "", False),
        (1.0, None, "", False),
    ],
)
def test_a_change_is_told(
    before: float | None, after: float | None, told: str, worse: bool
) -> None:
    figure = Compared("mean run", "time", before, after)
    assert (figure.told, figure.worse) == (told, worse)


def test_more_runs_are_no_worse() -> None:
    assert not Compared("runs a minute", "rate", 1.0, 9.0).worse
