"""Who is dead by the lease: seen twice, by a watcher that was never away itself."""

from __future__ import annotations

import pytest

from kiq.work.reclaimer import LeaseWatch

LEASE = 60.0
BEAT = LEASE / 6


def watching(since: float, until: float) -> LeaseWatch:
    """A watch that has been in touch with Redis every five seconds."""
    watch = LeaseWatch(LEASE)
    at = since
    while at <= until:
        watch.touched(at)
        at += 5
    return watch


def test_an_owner_is_dead_when_its_lease_is_missing_at_two_sightings_a_beat_apart() -> None:
    watch = watching(0, 100)
    assert watch.judge(["o"], 100) == []
    assert watch.judge(["o"], 100 + BEAT + 0.1) == ["o"]


def test_two_sightings_within_a_beat_prove_nothing() -> None:
    watch = watching(0, 100)
    watch.judge(["o"], 100)
    assert watch.judge(["o"], 100 + BEAT) == []


def test_an_owner_that_was_seen_in_between_begins_anew() -> None:
    watch = watching(0, 100)
    watch.judge(["o"], 100)
    watch.judge([], 105)
    assert watch.judge(["o"], 115) == []
    assert watch.judge(["o"], 115 + BEAT + 1) == ["o"]


def test_each_owner_has_sightings_of_its_own() -> None:
    watch = watching(0, 100)
    watch.judge(["o"], 100)
    assert watch.judge(["o", "p"], 111) == ["o"]
    assert watch.judge(["o", "p"], 122) == ["o", "p"]


def test_nobody_is_dead_before_the_watcher_was_in_touch_for_a_whole_lease() -> None:
    watch = watching(0, 55)
    watch.judge(["o"], 40)
    assert watch.judge(["o"], 59.9) == []
    assert watch.judge(["o"], 60.0) == ["o"]


def test_a_watch_that_never_reached_redis_judges_nobody() -> None:
    watch = LeaseWatch(LEASE)
    watch.judge(["o"], 0)
    assert watch.judge(["o"], 1000) == []


def test_after_redis_was_away_everything_begins_anew() -> None:
    watch = watching(0, 100)
    watch.judge(["o"], 100)
    watch.lost_touch()
    assert watch.judge(["o"], 120) == []
    watch.touched(121)
    watch.judge(["o"], 121)
    assert watch.judge(["o"], 121 + LEASE - 1) == []


@pytest.mark.parametrize(("gap", "dead"), [(LEASE / 2, ["o"]), (LEASE / 2 + 1, [])])
def test_a_watcher_that_was_suspended_starts_over(gap: float, dead: list[str]) -> None:
    watch = watching(0, 100)
    watch.judge(["o"], 100)
    watch.touched(100 + gap)
    assert watch.judge(["o"], 100 + gap) == dead
