"""Suspects start with care: one at a time where two crashes point at them."""

from __future__ import annotations

from kiq.verdict import Flight, Permit, Taken
from kiq.work.executor import CONVICTED
from kiq.work.inbox import Inbox
from kiq.work.suspects import ISOLATED, Isolation, Suspects

FLIGHT = Flight("o", "queue:a", Permit())


def taken(number: int, suspicion: int = 0) -> Taken:
    return Taken(f"1.{number}", FLIGHT, b"", 0.0, suspicion)


def test_jobs_beyond_suspicion_pass_by() -> None:
    inbox = Inbox()
    door = Suspects(Isolation(), inbox)
    jobs = [taken(1), taken(2)]
    assert door.admit(jobs) == 2
    assert list(inbox.jobs) == jobs
    assert len(door) == 0


def test_suspects_stay_and_the_convicted_pass_for_they_will_not_run() -> None:
    inbox = Inbox()
    door = Suspects(Isolation(), inbox)
    innocent, suspect, convicted = taken(1), taken(2, 1), taken(3, CONVICTED)
    assert door.admit([innocent, suspect, convicted]) == 2
    assert list(inbox.jobs) == [innocent, convicted]
    assert len(door) == 1


def test_a_suspect_starts_only_after_its_mark_is_written() -> None:
    door = Suspects(Isolation(), Inbox())
    suspect = taken(1, 1)
    door.admit([suspect])
    assert door.startable(5) == [suspect]
    assert door.marked() == [suspect]
    assert door.marked() == []
    assert len(door) == 0


def test_no_more_suspects_start_than_threads_are_free() -> None:
    door = Suspects(Isolation(), Inbox())
    suspects = [taken(n, 1) for n in range(3)]
    door.admit(suspects)
    assert door.startable(0) == []
    assert door.startable(2) == suspects[:2]
    assert door.startable(2) == suspects[2:]


def test_of_isolated_jobs_one_runs_at_a_time_in_the_whole_process() -> None:
    isolation = Isolation()
    here, there = Suspects(isolation, Inbox()), Suspects(isolation, Inbox())
    first, second, third = taken(1, ISOLATED), taken(2, ISOLATED), taken(3, ISOLATED)
    here.admit([first, second])
    there.admit([third])
    assert here.startable(5) == [first]
    assert there.startable(5) == []
    here.settled(here.marked())
    assert there.startable(5) == [third]


def test_suspects_of_the_first_degree_run_beside_an_isolated_one() -> None:
    door = Suspects(Isolation(), Inbox())
    isolated, suspect = taken(1, ISOLATED), taken(2, 1)
    door.admit([isolated, suspect])
    assert door.startable(5) == [isolated, suspect]


def test_isolated_jobs_that_must_wait_go_behind_their_queue() -> None:
    door = Suspects(Isolation(), Inbox())
    first, second, suspect = taken(1, ISOLATED), taken(2, ISOLATED), taken(3, 1)
    door.admit([first, second, suspect])
    door.startable(1)
    assert door.held_up() == [second]
    assert len(door) == 1
    assert door.held_up() == []


def test_settling_others_does_not_free_the_place() -> None:
    isolation = Isolation()
    door = Suspects(isolation, Inbox())
    door.admit([taken(1, ISOLATED)])
    door.startable(1)
    door.settled([taken(2), taken(3, 1), taken(4, ISOLATED)])
    assert not isolation.enter(taken(5, ISOLATED))


def test_draining_takes_all_newest_first_and_frees_the_place() -> None:
    isolation = Isolation()
    door = Suspects(isolation, Inbox())
    jobs = [taken(1, ISOLATED), taken(2, 1), taken(3, ISOLATED)]
    door.admit(jobs)
    door.startable(1)
    assert door.take_back() == jobs[::-1]
    assert len(door) == 0
    assert door.marked() == []
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
    door = Suspects(Isolation(), Inbox())
    early, also_early, late = taken(1, 1), taken(2, 1), taken(3, 1)
    late.fetched_at = 10.0
    door.admit([early, also_early, late])
    assert door.overdue(5.0) == [also_early, early]
    assert door.overdue(5.0) == []
    assert door.startable(3) == [late]
