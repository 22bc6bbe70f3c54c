"""Duties of features: one process of the fleet has the ticks, and another takes them over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

import kiq
from kiq import keys
from kiq.api import ProcessSet
from kiq.clock import steady
from kiq.commands.processes import ps
from kiq.errors import StoreError
from kiq.process import Loop, Unfit
from kiq.work import on_duty
from kiq.work.attached import Attached
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually


class Hand:
    """A process that would do the duty; *ticks* counts."""

    def __init__(self, process: Attached, pause: float = 0.01) -> None:
        self.process = process
        self.ticks = 0
        self.left = False
        self.refused: Exception | None = None
        self.pause = pause
        self.loop: Loop = process.duty("test", self.tick, lost=lambda: None, leave=self.leave)

    def tick(self) -> float:
        if self.refused:
            raise self.refused
        self.ticks += 1
        return self.pause

    def leave(self) -> None:
        self.left = True


Make = Callable[..., Hand]


@pytest.fixture
def hand(redis_url: str, tmp_path: Path) -> Iterator[Make]:
    hands: list[Hand] = []

    def make(pause: float = 0.01) -> Hand:
        worker = DrivenWorker(redis_url, tmp_path / str(len(hands))).launcher.worker
        worker.beaten_at = steady() + 60
        hands.append(Hand(Attached(worker, [], print), pause))
        hands[-1].loop.start()
        return hands[-1]

    yield make
    for each in hands:
        each.loop.stop()
    assert all(each.loop.join(5) for each in hands)


def test_one_of_them_has_the_ticks_and_who_stops_leaves_them_to_another(
    hand: Make, kiq_client: kiq.Client
) -> None:
    one = hand()
    eventually(lambda: one.ticks > 2)
    other = hand()
    assert ProcessSet().duties == {"test": one.process.identity}
    before = one.ticks
    eventually(lambda: one.ticks > before + 20)
    assert not other.ticks
    one.loop.stop()
    eventually(lambda: other.ticks, 5)
    assert one.left
    assert ProcessSet().duties == {"test": other.process.identity}


def test_who_is_gone_without_a_word_is_replaced(
    hand: Make, raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    raw.set(keys.duty("test"), "host:1:killed", px=1500)
    one = hand()
    eventually(lambda: one.ticks, 10)
    assert ProcessSet().duties == {"test": one.process.identity}


def test_who_does_not_beat_has_no_duty(hand: Make) -> None:
    one = hand()
    eventually(lambda: one.ticks)
    one.process._worker.beaten_at = float("-inf")
    eventually(lambda: hand_is_idle(one), 5)


def test_an_election_that_is_old_news_is_asked_for_again(
    hand: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process stood still between its question and what it does: another may have been elected."""
    one = hand()
    eventually(lambda: one.ticks)
    monkeypatch.setattr(on_duty, "_OLD", -1.0)
    eventually(lambda: hand_is_idle(one), 5)
    monkeypatch.undo()
    before = one.ticks
    eventually(lambda: one.ticks > before)


def hand_is_idle(one: Hand) -> bool:
    before, until = one.ticks, steady() + 0.3
    eventually(lambda: steady() > until)
    return one.ticks == before


@pytest.mark.parametrize(
    "refused", [StoreError("NOPERM this user has no permissions"), Unfit("no time zones here")]
)
def test_who_may_not_or_can_t_do_it_leaves_it_to_another(hand: Make, refused: Exception) -> None:
    one = hand()
    eventually(lambda: one.ticks)
    one.refused = refused
    other = hand()
    eventually(lambda: other.ticks, 20)


def test_a_long_pause_is_cut_short_by_whoever_wakes_it_and_by_nothing_else(hand: Make) -> None:
    one = hand(pause=60.0)
    eventually(lambda: one.ticks == 1)
    until = steady() + 2.5  # it renews its election meanwhile
    eventually(lambda: steady() > until, 5)
    assert one.ticks == 1
    one.loop.wake()
    eventually(lambda: one.ticks == 2)


def test_nobody_has_a_duty_that_there_is_not(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    assert ProcessSet().duties == {}
    raw.sadd(keys.DUTIES, "old")
    assert ProcessSet().duties == {}


def test_ps_says_whose_they_are(hand: Make, redis_url: str, kiq_client: kiq.Client) -> None:
    one = hand()
    eventually(lambda: one.ticks)
    found = CliRunner().invoke(ps, [], env={"REDIS_URL": redis_url})
    assert f"test is the duty of {one.process.identity}" in found.output
