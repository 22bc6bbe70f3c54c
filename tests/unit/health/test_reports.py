"""Numbers of several workers as one: none goes back, whoever ends, and nothing that is not whole counts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kiq.clock import steady
from kiq.health.http import Answer
from kiq.health.metrics import Metrics
from kiq.health.reports import Outlet, Reports, Together
from kiq.parent import heritage
from kiq.parent.page import Page


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    yield made
    made.close()


def report(done: int, busy: int = 0, fleet_at: float | None = None) -> bytes:
    fleet = None if fleet_at is None else {"at": fleet_at, "dead": done}
    return json.dumps({"sums": {"done": [done, 1]}, "now": {"busy": busy}, "fleet": fleet}).encode()


def test_those_that_have_ended_count_on_and_have_nothing_in_hand() -> None:
    reports = Reports()
    found = reports.together({1: report(5, 2), 2: report(7, 1)})
    assert found.sums == {"done": [12, 2]}
    assert found.now == [{"busy": 2}, {"busy": 1}]
    reports.end(1, report(6))
    assert reports.together({2: report(7)}).sums == {"done": [13, 2]}
    assert reports.together({2: report(7), 3: report(1)}).sums == {"done": [14, 3]}
    reports.end(4, b"")  # it never wrote one
    assert reports.together({}).sums == {"done": [6, 1]}


def test_a_report_that_is_not_whole_leaves_the_one_before() -> None:
    reports = Reports()
    reports.together({1: report(5)})
    assert reports.together({1: report(6)[:-3]}).sums == {"done": [5, 1]}
    reports.end(1, b"\xff")
    assert reports.together({}).sums == {"done": [5, 1]}


def test_the_fleet_is_told_by_who_looked_last_and_by_nobody_when_that_is_long_ago() -> None:
    now = steady()
    reports = Reports()
    found = reports.together({1: report(1, 0, now - 6), 2: report(2, 0, now - 1), 3: report(3)})
    assert found.fleet is not None
    assert found.fleet["dead"] == 2
    assert reports.together({1: report(1, 0, now - 16)}).fleet is None


def test_what_has_ended_is_left_to_the_parent_that_comes() -> None:
    file = heritage.keep({"done": [1, 2]}, -1)
    if file < 0:
        pytest.skip("memory has no descriptors here")
    assert heritage.keep({"done": [3]}, file) == file
    assert heritage.kept(file) == {"done": [3]}
    assert heritage.kept(-1) == {}


def test_a_page_always_has_a_whole_report(page: Page) -> None:
    assert page.read() == b""
    for size in (10, 400_000, 3, 0, 77):
        assert page.write(b"x" * size)
        assert page.read() == b"x" * size
    assert not page.write(b"x" * (512 << 10)), "it is too large: the one before stays"
    assert page.read() == b"x" * 77
    Outlet(page.write).put({"done": [1]}, {"busy": 2})
    assert json.loads(page.read()) == {"sums": {"done": [1]}, "now": {"busy": 2}, "fleet": None}


class Plugin:
    """One that writes, or can't."""

    def __init__(self, broken: bool = False) -> None:
        self.calls = 0
        self.broken = broken

    def exposition(self, found: Together, own: object) -> tuple[str, bytes]:
        self.calls += 1
        if self.broken:
            raise RuntimeError("it is broken")
        return "text/x", b"well"


def test_several_who_scrape_at_a_time_cost_as_much_as_one() -> None:
    plugin = Plugin()
    metrics = Metrics(plugin, lambda: (Together(), {}))
    assert {metrics() for _ in range(100)} == {Answer(200, b"well", "text/x")}
    assert plugin.calls < 10


def test_a_plugin_that_fails_takes_nobody_with_it() -> None:
    metrics = Metrics(Plugin(broken=True), lambda: (Together(), {}))
    assert metrics().status == 500
