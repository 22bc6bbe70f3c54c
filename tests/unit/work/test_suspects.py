"""Suspects start with care: one at a time where two crashes point at them."""

from __future__ import annotations

from kiq.verdict import Flight, Permit, Taken
from kiq.work.executor import CONVICTED
from kiq.work.suspects import ISOLATED, Isolation, SuspectLane

FLIGHT = Flight("o", "queue:a", Permit())


def taken(number: int, suspicion: int = 0) -> Taken:
    return Taken(f"1.{number}", FLIGHT, b"", 0.0, suspicion)


def test_jobs_beyond_suspicion_pass_by() -> None:
    lane = SuspectLane(Isolation())
    jobs = [taken(1), taken(2)]
    assert lane.sort(jobs) == jobs
    assert len(lane) == 0


def test_suspects_stay_and_the_convicted_pass_for_they_will_not_run() -> None:
    lane = SuspectLane(Isolation())
    innocent, suspect, convicted = taken(1), taken(2, 1), taken(3, CONVICTED)
    assert lane.sort([innocent, suspect, convicted]) == [innocent, convicted]
    assert len(lane) == 1


def test_a_suspect_starts_only_after_its_mark_is_written() -> None:
    lane = SuspectLane(Isolation())
    suspect = taken(1, 1)
    lane.sort([suspect])
    assert lane.startable(5) == [suspect]
    assert lane.marked() == [suspect]
    assert lane.marked() == []
    assert len(lane) == 0


def test_no_more_suspects_start_than_threads_are_free() -> None:
    lane = SuspectLane(Isolation())
    suspects = [taken(n, 1) for n in range(3)]
    lane.sort(suspects)
    assert lane.startable(0) == []
    assert lane.startable(2) == suspects[:2]
    assert lane.startable(2) == suspects[2:]


def test_of_isolated_jobs_one_runs_at_a_time_in_the_whole_process() -> None:
    isolation = Isolation()
    here, there = SuspectLane(isolation), SuspectLane(isolation)
    first, second, third = taken(1, ISOLATED), taken(2, ISOLATED), taken(3, ISOLATED)
    here.sort([first, second])
    there.sort([third])
    assert here.startable(5) == [first]
    assert there.startable(5) == []
    here.settled(here.marked())
    assert there.startable(5) == [third]


def test_suspects_of_the_first_degree_run_beside_an_isolated_one() -> None:
    lane = SuspectLane(Isolation())
    isolated, suspect = taken(1, ISOLATED), taken(2, 1)
    lane.sort([isolated, suspect])
    assert lane.startable(5) == [isolated, suspect]


def test_isolated_jobs_that_must_wait_go_behind_their_queue() -> None:
    lane = SuspectLane(Isolation())
    first, second, suspect = taken(1, ISOLATED), taken(2, ISOLATED), taken(3, 1)
    lane.sort([first, second, suspect])
    lane.startable(1)
    assert lane.held_up() == [second]
    assert len(lane) == 1
    assert lane.held_up() == []


def test_settling_others_does_not_free_the_place() -> None:
    isolation = Isolation()
    lane = SuspectLane(isolation)
    lane.sort([taken(1, ISOLATED)])
    lane.startable(1)
    lane.settled([taken(2), taken(3, 1), taken(4, ISOLATED)])
    assert not isolation.enter(taken(5, ISOLATED))


def test_draining_takes_all_newest_first_and_frees_the_place() -> None:
    isolation = Isolation()
    lane = SuspectLane(isolation)
    jobs = [taken(1, ISOLATED), taken(2, 1), taken(3, ISOLATED)]
    lane.sort(jobs)
    lane.startable(1)
    assert lane.drain() == jobs[::-1]
    assert len(lane) == 0
    assert lane.marked() == []
    assert isolation.enter(taken(4, ISOLATED))


def test_who_has_the_place_may_enter_again() -> None:
    isolation = Isolation()
    one = taken(1, ISOLATED)
    assert isolation.enter(one)
    assert isolation.enter(one)
    isolation.leave(one)
    isolation.leave(one)
    assert isolation.enter(taken(2, ISOLATED))


def test_suspects_that_no_thread_got_free_for_go_back_when_they_are_late() -> None:
    lane = SuspectLane(Isolation())
    early, also_early, late = taken(1, 1), taken(2, 1), taken(3, 1)
    late.fetched_at = 10.0
    lane.sort([early, also_early, late])
    assert lane.overdue(5.0) == [also_early, early]
    assert lane.overdue(5.0) == []
    assert lane.startable(3) == [late]
