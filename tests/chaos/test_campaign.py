"""Campaigns: faults of all kinds in one run. The long form is ``python -m tests.chaos.campaign``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos import campaign
from tests.chaos.arena import Arena
from tests.chaos.clocks import SettableClock, settable_clock
from tests.chaos.invariant import repeats
from tests.chaos.schedule import FAULTS, draw, scaled
from tests.helpers.server import TestServer

#: A run with another seed has other faults at other moments.
SEED = int(os.environ.get("CHAOS_SEED", "1"))


@pytest.fixture
def clock(tmp_path: Path) -> SettableClock | None:
    """The clock of the server, where it can be set."""
    return settable_clock(tmp_path)


@pytest.fixture
def arena(
    private_server: Callable[..., TestServer], tmp_path: Path, clock: SettableClock | None
) -> Iterator[Arena]:
    """An arena whose server has written what it has answered: with everysec, Redis itself may lose."""
    server = private_server(aof="always", through=clock.command if clock else ())
    place = Arena(server, tmp_path, SEED)
    yield place
    place.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("workers", [1, 4])
def test_a_campaign_of_all_faults_loses_nothing_and_repeats_what_had_started(
    arena: Arena, clock: SettableClock | None, workers: int
) -> None:
    jobs, counts = scaled(0.025, campaign.JOBS)
    print(f"\nseed {SEED} (set CHAOS_SEED for another)")
    result = campaign.run(arena, SEED, jobs, counts, workers, clock)
    assert result.ok + result.dead >= jobs


def test_a_seed_gives_the_same_schedule_again_and_another_gives_another() -> None:
    assert draw(7, 1000, FAULTS) == draw(7, 1000, FAULTS)
    assert draw(7, 1000, FAULTS) != draw(8, 1000, FAULTS)


def test_a_repeat_is_explained_by_a_fault_of_the_process_that_ran_it_and_by_no_other() -> None:
    journal = [("S", "a", "1"), ("S", "a", "2"), ("X", "a", "2"), ("S", "b", "2"), ("X", "b", "2")]
    assert repeats(journal, {1: None}).explained == {1: 1}
    assert repeats(journal, {1: {"a"}}).explained == {1: 1}
    assert repeats(journal, {1: {"b"}}).unexplained == ["a"]
    assert repeats(journal, {3: None}).unexplained == ["a"]
    assert repeats([*journal, ("S", "b", "2")], {1: None}).unexplained == ["b"]


def test_a_job_that_failed_runs_twice_without_any_fault() -> None:
    journal = [("S", "a", "1"), ("F", "a", "1"), ("S", "a", "1"), ("X", "a", "1")]
    assert repeats(journal, {}).unexplained == []
    assert repeats([*journal, ("S", "a", "1")], {}).unexplained == ["a"]


def test_a_job_that_a_kill_cut_short_may_run_once_more_and_not_twice() -> None:
    twice = [(word, "a", pid) for pid in "123" for word in "SX"]
    assert repeats(twice[:4], {1: {"a"}}).unexplained == []
    assert repeats(twice, {1: {"a"}}).unexplained == ["a"]
    assert repeats(twice, {1: {"a"}, 2: {"a"}}).explained == {1: 1, 2: 1}


def test_a_process_that_explains_more_than_can_have_been_in_its_hands_is_found() -> None:
    journal = [(word, jid, pid) for jid in "abc" for pid in "12" for word in "SX"]
    found = repeats(journal, {1: None})
    assert found.beyond(3) == {}
    assert found.beyond(2) == {1: 3}
