"""``kiq.testing.run_periodic``: the ticks between two moments, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import kiq
from kiq import testing
from kiq.plugins.declared import periodic as declared
from kiq.testing import EndlessDrain, run_periodic

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def in_code(monkeypatch: pytest.MonkeyPatch, no_mode: None) -> Iterator[None]:
    monkeypatch.setattr(declared, "in_code", {})
    with testing.scoped("fake"):
        yield


def test_ticks_run_in_order_each_at_its_time(in_code: None) -> None:
    ran: list[tuple[str, float]] = []

    @kiq.periodic(every="30m", name="often", args=["often"])
    @kiq.periodic(every="1h", name="hourly", args=["hourly"])
    @kiq.job(name="testing.noted")
    def noted(what: str) -> None:
        ran.append((what, kiq.clock.wall()))  # type: ignore[attr-defined]

    told = run_periodic(NOON, NOON + timedelta(hours=1))
    half, one = NOON + timedelta(minutes=30), NOON + timedelta(hours=1)
    assert told == [("often", half), ("hourly", one), ("often", one)]
    assert ran == [
        ("often", half.timestamp()),
        ("hourly", one.timestamp()),
        ("often", one.timestamp()),
    ]


def test_what_jobs_schedule_runs_when_it_is_due(in_code: None) -> None:
    ran: list[float] = []

    @kiq.job(name="testing.later")
    def later() -> None:
        ran.append(kiq.clock.wall())  # type: ignore[attr-defined]

    @kiq.periodic(every="1h")
    @kiq.job(name="testing.first")
    def first() -> None:
        later.perform_in(600)

    run_periodic(NOON, NOON + timedelta(hours=1, minutes=10))
    assert ran == [(NOON + timedelta(hours=1, minutes=10)).timestamp()]


def test_jobs_may_be_left_to_look_at(in_code: None) -> None:
    @kiq.periodic(every="1h", name="report", args=[7])
    @kiq.job(name="testing.report", queue="low")
    def report(number: int) -> None: ...

    run_periodic(NOON, NOON + timedelta(hours=2), name="report", drain=False)
    waiting = testing.jobs(report)
    assert [(job.args, job.queue, job.payload["periodic"]) for job in waiting] == [
        ([7], "low", "report")
    ] * 2


def test_those_of_the_file_are_there(in_code: None, tmp_path: Path) -> None:
    @kiq.job(name="testing.filed")
    def filed() -> None: ...

    (tmp_path / "kiq.yml").write_text("periodic: {f: {every: 1h, class: testing.filed}}\n")
    kiq.configure(tmp_path / "kiq.yml")
    with testing.scoped("fake"):
        assert run_periodic(NOON, NOON + timedelta(hours=1)) == [("f", NOON + timedelta(hours=1))]


def test_a_name_that_is_not_there_and_ticks_without_end_are_refused(in_code: None) -> None:
    @kiq.periodic(every="1s", name="busy")
    @kiq.job(name="testing.busy")
    def busy() -> None: ...

    with pytest.raises(kiq.ConfigError, match="no periodic job 'bussy'; there are: busy"):
        run_periodic(NOON, NOON, name="bussy")
    with pytest.raises(EndlessDrain):
        run_periodic(NOON, NOON + timedelta(hours=1), limit=10)
