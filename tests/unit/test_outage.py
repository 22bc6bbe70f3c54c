"""An outage of Redis: short pauses that grow, and few words."""

from __future__ import annotations

import logging

import pytest

from kiq.work.outage import Outage


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("dice", [0.0, 0.5, 0.999])
def test_pauses_begin_short_and_never_exceed_a_second(dice: float) -> None:
    outage = Outage("part", Clock(100.0), lambda: dice)
    pauses = [outage.failed(OSError()) for _ in range(12)]
    assert pauses[0] <= 0.05
    assert pauses == sorted(pauses)
    assert 0.7 <= pauses[-1] <= 1.0


def test_pauses_are_short_again_after_redis_was_back() -> None:
    outage = Outage("part", Clock(100.0), lambda: 0.5)
    first = outage.failed(OSError())
    outage.failed(OSError())
    outage.over()
    assert outage.failed(OSError()) == first


def test_it_knows_whether_it_lasts() -> None:
    outage = Outage("part", Clock(0.0))
    assert not outage.lasting
    outage.failed(OSError())
    assert outage.lasting
    outage.over()
    assert not outage.lasting


@pytest.mark.parametrize("uptime", [0.0, 3.0, 1e6])
def test_an_outage_is_two_lines_in_the_log_also_on_a_machine_that_just_started(
    uptime: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    clock = Clock(uptime)
    outage = Outage("capsule default", clock)
    for _ in range(5):
        outage.failed(OSError("refused"))
        clock.now += 0.5
    outage.over()
    outage.over()
    assert lines(caplog) == [
        "capsule default: refused; trying again until it answers",
        "capsule default: Redis is back after 2.5 s",
    ]


def test_a_long_outage_is_mentioned_every_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(100.0)
    outage = Outage("part", clock)
    for _ in range(31):
        outage.failed(OSError("refused"))
        clock.now += 1
    assert len(lines(caplog)) == 4


def test_nothing_is_said_when_there_was_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    Outage("part", Clock(5.0)).over()
    assert lines(caplog) == []
