"""Where somebody stands, and what is said of Redis."""

from __future__ import annotations

from kiq.top.picture import Place
from kiq.top.standing import Path, Weather, neighbour


def test_a_path_leads_back_the_way_it_came() -> None:
    path = Path()
    path.begin(Place("failures", wanted="class:Mail"))
    path.enter(Place("retries", wanted="group:1"))
    path.enter(Place("job", "abc"))
    assert path.back()
    assert path.here == Place("retries", wanted="group:1")
    assert path.back()
    assert path.here == Place("failures", wanted="class:Mail")
    assert path.back()  # the filter goes before the view does
    assert path.here == Place("failures")
    assert not path.back()


def test_pages_of_a_set_are_gone_through_and_back() -> None:
    path = Path([Place("dead")])
    assert not path.page_back()
    assert not path.page_on(None)
    assert path.page_on("5~a")
    assert path.page_on("3~b")
    assert path.here.begin == "3~b"
    assert path.page_back()
    assert path.here.begin == "5~a"
    assert path.page_back()
    assert path.here.begin == ""
    path.page_on("5~a")
    path.filter("class:Mail")
    assert path.here == Place("dead", wanted="class:Mail")
    assert not path.page_back()


def test_it_is_said_for_how_long_redis_is_away() -> None:
    weather = Weather(1.0, 100.0)
    assert weather.told(103.0) == ""
    weather.bad("Redis can't be reached: connection refused", away=True)
    assert weather.told(112.3) == "Redis away for 12 s: connection refused"
    weather.good(113.0)
    assert weather.told(114.0) == ""


def test_a_redis_that_does_not_answer_is_told_before_its_time_is_over() -> None:
    weather = Weather(1.0, 100.0)
    assert weather.told(110.0) == "no answer for 10 s"
    weather.bad("no permission", away=False)
    assert weather.told(110.0) == "no permission"


def test_views_stand_in_a_ring() -> None:
    assert neighbour(["a", "b", "c"], "c", 1) == "a"
    assert neighbour(["a", "b", "c"], "a", -1) == "c"
    assert neighbour(["a", "b", "c"], "job", 1) == "a"
