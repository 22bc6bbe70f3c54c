"""The desk: who is woken, and when no new job may start."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator

import pytest

from kiq.clock import steady
from kiq.verdict import DONE, Flight, Permit, Taken
from kiq.work.desk import MOST_REFUSED, MOST_WAITING, Desk
from tests.helpers.waiting import eventually

THREADS = 3


@pytest.fixture
def desk() -> Desk:
    return Desk(THREADS)


def taken(until: float = float("inf")) -> Taken:
    return Taken("1.1", Flight("o", "queue:a", Permit(until)), b"", 0.0)


def rings(desk: Desk) -> bool:
    return bool(select.select([desk.bell_end], [], [], 0)[0])


def fill(desk: Desk, count: int) -> None:
    desk.outbox.extend((taken(), DONE) for _ in range(count))


class Asking:
    """A thread that asks the desk something, and its answer."""

    def __init__(self, desk: Desk, one: Taken | None = None) -> None:
        self.answers: list[bool | None] = []

        def ask() -> None:
            if one is None:
                self.answers.append(desk.wait_for_room(desk.wake))  # type: ignore[func-returns-value]
            else:
                self.answers.append(desk.wait_for_permission(one))

        self.thread = threading.Thread(target=ask, daemon=True)
        self.thread.start()

    @property
    def waiting(self) -> bool:
        return not self.answers

    def answer(self) -> bool | None:
        eventually(lambda: self.answers)
        self.thread.join(5)
        return self.answers[0]


@pytest.fixture
def asking(desk: Desk) -> Iterator[type[Asking]]:
    yield Asking
    desk.leave()  # nobody is left waiting, whatever the test found


# Waking


def test_a_ring_wakes_once_however_many_call(desk: Desk) -> None:
    assert not rings(desk)
    desk.wake()
    desk.wake()
    assert rings(desk)
    desk.woken()
    assert not rings(desk)


def test_it_can_be_rung_again_after_it_was_heard(desk: Desk) -> None:
    for _ in range(3):
        desk.wake()
        assert rings(desk)
        desk.woken()


def test_waking_for_another_reason_does_no_harm(desk: Desk) -> None:
    desk.woken()
    desk.wake()
    assert rings(desk)


# The gate


def test_the_gate_is_open_while_redis_owes_nothing(desk: Desk) -> None:
    assert not desk.closed
    fill(desk, MOST_WAITING - 1)
    assert not desk.closed


def test_the_gate_shuts_when_the_outbox_is_full(desk: Desk) -> None:
    fill(desk, MOST_WAITING)
    assert desk.closed


def test_the_gate_shuts_when_an_answer_is_late_and_as_many_are_owed_as_threads(desk: Desk) -> None:
    desk.owe(THREADS)
    assert not desk.closed
    eventually(lambda: desk.closed, timeout=2)
    desk.answered(0)
    assert not desk.closed


def test_a_late_answer_about_few_jobs_does_not_shut_the_gate(desk: Desk) -> None:
    desk.owe(THREADS - 1)
    eventually(lambda: steady() > desk.gate_at, timeout=2)
    assert not desk.closed
    fill(desk, 1)
    assert desk.closed


def test_sending_again_does_not_begin_the_tolerance_anew(desk: Desk) -> None:
    desk.owe(2)
    first = desk.gate_at
    desk.owe(5)
    assert desk.gate_at == first


def test_owing_nothing_sets_no_limit(desk: Desk) -> None:
    desk.owe(0)
    assert desk.gate_at == float("inf")


def test_verdicts_that_redis_refuses_stop_nobody_until_there_are_too_many(desk: Desk) -> None:
    desk.owe(5)
    desk.answered(MOST_REFUSED - 1)
    assert not desk.closed
    desk.answered(MOST_REFUSED)
    assert desk.closed
    desk.answered(0)
    assert not desk.closed


# Permission to start


def test_a_job_may_start_while_its_lease_is_good(desk: Desk) -> None:
    assert desk.wait_for_permission(taken())


def test_a_job_of_a_fenced_owner_may_not(desk: Desk) -> None:
    one = taken()
    one.flight.permit.fence()
    assert not desk.wait_for_permission(one)


def test_no_job_may_start_once_the_process_leaves(desk: Desk) -> None:
    desk.leave()
    assert not desk.wait_for_permission(taken())
    assert desk.gate_at == float("-inf")


def test_a_job_whose_lease_ran_out_waits_for_the_next_beat(
    desk: Desk, asking: type[Asking]
) -> None:
    one = taken(until=steady() - 1)
    waiting = asking(desk, one)
    eventually(lambda: rings(desk))  # it wakes the courier, who may know more
    assert waiting.waiting
    one.flight.permit.extend(steady() + 60)
    assert waiting.answer() is True


def test_a_job_that_waits_is_told_when_its_owner_is_fenced(
    desk: Desk, asking: type[Asking]
) -> None:
    one = taken(until=steady() - 1)
    waiting = asking(desk, one)
    eventually(lambda: rings(desk))
    one.flight.permit.fence()
    assert waiting.answer() is False


def test_a_job_waits_while_the_gate_is_shut(desk: Desk, asking: type[Asking]) -> None:
    fill(desk, MOST_WAITING)
    waiting = asking(desk, taken())
    eventually(lambda: rings(desk))
    assert waiting.waiting
    desk.outbox.clear()
    desk.answered(0)
    assert waiting.answer() is True


# Room in the outbox


def test_who_finds_room_does_not_wait(desk: Desk) -> None:
    desk.wait_for_room(desk.wake)


def test_a_full_outbox_makes_processors_wait_for_the_courier(
    desk: Desk, asking: type[Asking]
) -> None:
    fill(desk, MOST_WAITING)
    waiting = asking(desk)
    eventually(lambda: rings(desk))
    assert waiting.waiting
    desk.outbox.popleft()
    desk.answered(0)
    waiting.answer()


def test_nobody_waits_for_room_in_a_process_that_leaves(desk: Desk, asking: type[Asking]) -> None:
    fill(desk, MOST_WAITING)
    waiting = asking(desk)
    eventually(lambda: rings(desk))
    desk.leave()
    waiting.answer()
