"""The handover: who is woken, and when no new job may start."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator

import pytest

from kiq.clock import steady
from kiq.verdict import DONE, Flight, Permit, Taken
from kiq.work.handover import MOST_REFUSED, MOST_WAITING, Handover
from tests.helpers.waiting import eventually

THREADS = 3


@pytest.fixture
def handover() -> Handover:
    return Handover(THREADS)


def taken(until: float = float("inf")) -> Taken:
    return Taken("1.1", Flight("o", "queue:a", Permit(until)), b"", 0.0)


def rings(handover: Handover) -> bool:
    return bool(select.select([handover.bell_end], [], [], 0)[0])


def fill(handover: Handover, count: int) -> None:
    handover.outbox.extend((taken(), DONE) for _ in range(count))


class Asking:
    """A thread that asks the handover something, and its answer."""

    def __init__(self, handover: Handover, one: Taken | None = None) -> None:
        self.answers: list[bool | None] = []

        def ask() -> None:
            if one is None:
                self.answers.append(handover.wait_for_room(handover.wake))  # type: ignore[func-returns-value]
            else:
                self.answers.append(handover.wait_for_permission(one))

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
def asking(handover: Handover) -> Iterator[type[Asking]]:
    yield Asking
    handover.leave()  # nobody is left waiting, whatever the test found


# Waking


def test_a_ring_wakes_once_however_many_call(handover: Handover) -> None:
    assert not rings(handover)
    handover.wake()
    handover.wake()
    assert rings(handover)
    handover.woken()
    assert not rings(handover)


def test_it_can_be_rung_again_after_it_was_heard(handover: Handover) -> None:
    for _ in range(3):
        handover.wake()
        assert rings(handover)
        handover.woken()


def test_waking_for_another_reason_does_no_harm(handover: Handover) -> None:
    handover.woken()
    handover.wake()
    assert rings(handover)


# The gate


def test_the_gate_is_open_while_redis_owes_nothing(handover: Handover) -> None:
    assert not handover.closed
    fill(handover, MOST_WAITING - 1)
    assert not handover.closed


def test_the_gate_shuts_when_the_outbox_is_full(handover: Handover) -> None:
    fill(handover, MOST_WAITING)
    assert handover.closed


def test_the_gate_shuts_when_an_answer_is_late_and_as_many_are_owed_as_threads(
    handover: Handover,
) -> None:
    handover.owe(THREADS)
    assert not handover.closed
    eventually(lambda: handover.closed, timeout=2)
    handover.answered(0)
    assert not handover.closed


def test_a_late_answer_about_few_jobs_does_not_shut_the_gate(handover: Handover) -> None:
    handover.owe(THREADS - 1)
    eventually(lambda: steady() > handover.gate_at, timeout=2)
    assert not handover.closed
    fill(handover, 1)
    assert handover.closed


def test_sending_again_does_not_begin_the_tolerance_anew(handover: Handover) -> None:
    handover.owe(2)
    first = handover.gate_at
    handover.owe(5)
    assert handover.gate_at == first


def test_owing_nothing_sets_no_limit(handover: Handover) -> None:
    handover.owe(0)
    assert handover.gate_at == float("inf")


def test_verdicts_that_redis_refuses_stop_nobody_until_there_are_too_many(
    handover: Handover,
) -> None:
    handover.owe(5)
    handover.answered(MOST_REFUSED - 1)
    assert not handover.closed
    handover.answered(MOST_REFUSED)
    assert handover.closed
    handover.answered(0)
    assert not handover.closed


# Permission to start


def test_a_job_may_start_while_its_lease_is_good(handover: Handover) -> None:
    assert handover.wait_for_permission(taken())


def test_a_job_of_a_fenced_owner_may_not(handover: Handover) -> None:
    one = taken()
    one.flight.permit.fence()
    assert not handover.wait_for_permission(one)


def test_no_job_may_start_once_the_process_leaves(handover: Handover) -> None:
    handover.leave()
    assert not handover.wait_for_permission(taken())
    assert handover.gate_at == float("-inf")


def test_a_job_whose_lease_ran_out_waits_for_the_next_beat(
    handover: Handover, asking: type[Asking]
) -> None:
    one = taken(until=steady() - 1)
    waiting = asking(handover, one)
    eventually(lambda: rings(handover))  # it wakes the courier, who may know more
    assert waiting.waiting
    one.flight.permit.extend(steady() + 60)
    assert waiting.answer() is True


def test_a_job_that_waits_is_told_when_its_owner_is_fenced(
    handover: Handover, asking: type[Asking]
) -> None:
    one = taken(until=steady() - 1)
    waiting = asking(handover, one)
    eventually(lambda: rings(handover))
    one.flight.permit.fence()
    assert waiting.answer() is False


def test_a_job_waits_while_the_gate_is_shut(handover: Handover, asking: type[Asking]) -> None:
    fill(handover, MOST_WAITING)
    waiting = asking(handover, taken())
    eventually(lambda: rings(handover))
    assert waiting.waiting
    handover.outbox.clear()
    handover.answered(0)
    assert waiting.answer() is True


# Room in the outbox


def test_who_finds_room_does_not_wait(handover: Handover) -> None:
    handover.wait_for_room(handover.wake)


def test_a_full_outbox_makes_processors_wait_for_the_courier(
    handover: Handover, asking: type[Asking]
) -> None:
    fill(handover, MOST_WAITING)
    waiting = asking(handover)
    eventually(lambda: rings(handover))
    assert waiting.waiting
    handover.outbox.popleft()
    handover.answered(0)
    waiting.answer()


def test_nobody_waits_for_room_in_a_process_that_leaves(
    handover: Handover, asking: type[Asking]
) -> None:
    fill(handover, MOST_WAITING)
    waiting = asking(handover)
    eventually(lambda: rings(handover))
    handover.leave()
    waiting.answer()
