"""What was read a moment ago."""

from __future__ import annotations

import pytest

from kiq.top import fleets
from kiq.top.fleets import Fleet


class Clock:
    """A clock that looks move on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.looks = 100.0, 0
        monkeypatch.setattr(fleets, "steady", lambda: self.now)

    def look(self, takes: float) -> int:
        self.now += takes
        self.looks += 1
        return self.looks


class Config:
    environment = "production"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def fleet() -> Fleet:
    return Fleet("main", None, Config())  # type: ignore[arg-type]


def test_what_is_kept_is_not_read_again(clock: Clock) -> None:
    shop = fleet()
    for at in (0.0, 4.9, 0.2):
        clock.now += at
        shop.look("x", lambda: clock.look(0.001), keep=5)
    assert clock.looks == 2
    shop.forget()
    assert shop.look("x", lambda: clock.look(0.001), keep=5) == 3


def test_what_took_long_is_read_a_tenth_of_the_time(clock: Clock) -> None:
    shop, began = fleet(), clock.now
    for _ in range(100):
        shop.look("search", lambda: clock.look(0.4))
        clock.now += 1
    assert 0.4 * clock.looks <= (clock.now - began) / 10 + 0.4


def test_what_was_quick_is_read_each_time(clock: Clock) -> None:
    shop = fleet()
    for _ in range(5):
        shop.look("page", lambda: clock.look(0.001))
    assert clock.looks == 5


def test_few_looks_are_kept(clock: Clock) -> None:
    shop = fleet()
    for at in range(1000):
        shop.look(f"filter {at}", lambda: clock.look(0.001), keep=1e9)
    assert len(shop._looks) <= 32
