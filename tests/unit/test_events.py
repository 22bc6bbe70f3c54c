"""Events of a worker's life: order, unknown names, and errors of those who listen."""

from __future__ import annotations

from typing import Any

import pytest

import kiq
from kiq.events import EVENTS, Events


def never(error: BaseException, context: dict[str, Any]) -> None:
    raise AssertionError(f"nobody should have reported {error!r}")


def test_there_are_sidekiqs_six_events_and_two_of_forks() -> None:
    sidekiqs = {"startup", "quiet", "shutdown", "exit", "heartbeat", "beat"}
    assert set(EVENTS) == sidekiqs | {"before_fork", "after_fork"}


@pytest.mark.parametrize("event", ["startup", "heartbeat", "beat"])
def test_listeners_are_called_in_the_order_of_registration(event: str) -> None:
    events, heard = Events(), list[int]()
    for number in (1, 2, 3):
        events.on(event, lambda number=number: heard.append(number))  # type: ignore[misc]
    events.emit(event, never)
    assert heard == [1, 2, 3]


@pytest.mark.parametrize("event", ["quiet", "shutdown", "exit"])
def test_what_undoes_start_is_called_in_reverse(event: str) -> None:
    events, heard = Events(), list[int]()
    for number in (1, 2, 3):
        events.on(event, lambda number=number: heard.append(number))  # type: ignore[misc]
    events.emit(event, never)
    assert heard == [3, 2, 1]


@pytest.mark.parametrize("kind", [LookupError, SystemExit])
def test_a_listener_that_raises_is_reported_and_the_next_is_called(
    kind: type[BaseException],
) -> None:
    events, heard, reports = Events(), list[str](), list[Any]()

    def broken() -> None:
        raise kind("listener")

    events.on("beat", broken)
    events.on("beat", lambda: heard.append("second"))
    events.emit("beat", lambda error, context: reports.append((str(error), context)))
    assert heard == ["second"]
    assert reports == [("listener", {"event": "beat"})]


def test_an_error_at_startup_is_raised_when_asked_strictly() -> None:
    events, heard = Events(), list[str]()

    def broken() -> None:
        raise LookupError("startup")

    events.on("startup", broken)
    events.on("startup", lambda: heard.append("second"))
    with pytest.raises(LookupError, match="startup"):
        events.emit_strictly("startup")
    assert heard == []


def test_an_unknown_event_suggests_the_near_miss() -> None:
    with pytest.raises(kiq.ConfigError) as raised:
        Events().on("start", lambda: None)
    assert str(raised.value) == (
        "unknown event 'start'; did you mean 'startup'? "
        "(there are: startup, quiet, shutdown, exit, heartbeat, beat, before_fork, after_fork)"
    )


def test_a_listener_may_register_another_while_it_is_called() -> None:
    events, heard = Events(), list[str]()
    events.on("beat", lambda: events.on("beat", lambda: heard.append("late")))
    events.emit("beat", never)
    assert heard == []
    events.emit("beat", never)
    assert heard == ["late"]


def test_the_host_decorates_listeners(fresh_host: kiq.Host) -> None:
    heard: list[str] = []

    @fresh_host.on("startup")
    def begin() -> None:
        heard.append("begin")

    fresh_host.events.emit_strictly("startup")
    assert heard == ["begin"]
    assert begin.__name__ == "begin"
