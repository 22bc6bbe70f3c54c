"""A processor that others meddle with: what is raised in it hits the job that it is for, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kiq
from kiq import raising
from kiq.verdict import DONE, Dropped, Flight, Permit, Taken, ToRetry, Verdict
from kiq.work.handover import Handover
from kiq.work.inbox import Inbox
from kiq.work.processor import Processor
from tests.helpers.untraced import restless
from tests.helpers.waiting import eventually

TIMES = 400
AGAIN = ToRetry(b"again", 1.0)


@pytest.fixture(autouse=True)
def not_traced() -> Iterator[None]:
    with restless():
        yield


class Place:
    """One processor at an inbox and a handover of its own; *execute* runs its jobs."""

    def __init__(self, execute: Callable[[Taken], Verdict]) -> None:
        self.inbox = Inbox()
        self.handover = Handover(1)
        self.reported: list[BaseException] = []
        self.nudged: list[str] = []

        def run(taken: Taken, _handover: Handover) -> Verdict:
            return execute(taken)

        self.processor = Processor(
            self.inbox, self.handover, run, self._failed, self._nudge, self._report, "processor"
        )
        self._flight = Flight("o", "queue:default", Permit(float("inf")))
        self.processor.thread.start()

    def _nudge(self) -> None:
        self.nudged.append(threading.current_thread().name)
        self.handover.patience = 1_000_000

    def _failed(self, _taken: Taken, error: BaseException) -> Verdict:
        self.reported.append(error)
        return AGAIN

    def _report(self, error: BaseException, _where: dict[str, Any]) -> None:
        self.reported.append(error)

    def put(self, count: int) -> list[Taken]:
        jobs = [Taken(str(n), self._flight, b"", 0.0) for n in range(count)]
        self.inbox.put(jobs)
        self.inbox.wake(1)
        return jobs

    def end(self) -> None:
        self.inbox.close()
        self.processor.thread.join(10)
        assert not self.processor.thread.is_alive()


def test_jobs_that_are_cancelled_at_their_very_end_are_settled_once_each() -> None:
    told = [False]

    def execute(_taken: Taken) -> Verdict:
        while not told[0]:
            pass
        told[0] = False
        return DONE

    place = Place(execute)
    verdicts = set()
    for number in range(TIMES):
        (taken,) = place.put(1)
        _spin(lambda taken=taken: place.processor.current is taken)  # type: ignore[misc]
        if number % 4:  # else nothing but the cancel ends it
            told[0] = True
            sum(range(number % 40))  # now earlier, now later
        place.processor.cancel(taken)
        _spin(lambda: bool(place.handover.outbox))
        told[0] = False
        settled, verdict = place.handover.outbox.popleft()
        assert settled is taken
        verdicts.add(type(verdict))
    place.end()
    assert not place.handover.outbox, "each is settled once"
    assert Dropped in verdicts, "the test must hit jobs"
    assert place.reported == []


def _spin(condition: Callable[[], bool]) -> None:
    eventually(condition, 20, interval=0.00001)


def test_a_job_that_is_over_is_not_cancelled_nor_is_the_next() -> None:
    held = [True]

    def execute(taken: Taken) -> Verdict:
        while taken.delivery == "1" and held[0]:
            pass
        return DONE

    place = Place(execute)
    first, second = place.put(2)
    eventually(lambda: place.processor.current is second)
    assert not place.processor.cancel(first)
    assert not place.processor.retire(first)
    held[0] = False
    eventually(lambda: len(place.handover.outbox) == 2)
    place.end()
    assert [verdict for _, verdict in place.handover.outbox] == [DONE, DONE]


def test_a_thread_waits_for_who_is_just_deciding_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    deciding = threading.Event()
    send = raising.send

    def slowly(ident: int | None, error: type[BaseException]) -> bool:
        deciding.set()
        threading.Event().wait(0.05)  # long enough for the next job to begin, if nothing keeps it
        assert place.processor.current is None, "the next job has begun"
        return send(ident, error)

    def execute(taken: Taken) -> Verdict:
        if taken.delivery == "0":
            deciding.wait()
        return DONE

    monkeypatch.setattr(raising, "send", slowly)
    place = Place(execute)
    first, _ = place.put(2)
    eventually(lambda: place.processor.current is first)
    assert place.processor.cancel(first)
    eventually(lambda: len(place.handover.outbox) == 2)
    place.end()
    assert [verdict for _, verdict in place.handover.outbox] == [DONE, DONE]
    assert place.reported == []


def test_a_retired_thread_settles_its_job_wakes_the_courier_and_ends() -> None:
    held = threading.Event()

    def execute(_taken: Taken) -> Verdict:
        held.wait()
        return DONE

    place = Place(execute)
    taken, waiting = place.put(2)
    eventually(lambda: place.processor.current is taken)
    assert place.processor.retire(taken)
    assert place.processor.current is taken, "it is shown as running"
    held.set()
    place.processor.thread.join(10)
    assert not place.processor.thread.is_alive()
    assert list(place.handover.outbox) == [(taken, DONE)]
    assert list(place.inbox.jobs) == [waiting]
    assert place.nudged == [], "it does no rounds any more"
    assert place.handover._rung


def test_what_cancels_a_job_outside_of_its_code_drops_it() -> None:
    def execute(_taken: Taken) -> Verdict:
        raise kiq.Cancelled

    place = Place(execute)
    (taken,) = place.put(1)
    eventually(lambda: place.handover.outbox)
    place.end()
    assert list(place.handover.outbox) == [(taken, Dropped("it was cancelled"))]
    assert place.reported == []


def test_a_retired_thread_ends_also_after_an_error_of_kiqs_own() -> None:
    held = threading.Event()

    def execute(_taken: Taken) -> Verdict:
        held.wait()
        raise RuntimeError("kiq's own")

    place = Place(execute)
    taken, waiting = place.put(2)
    eventually(lambda: place.processor.current is taken)
    assert place.processor.retire(taken)
    held.set()
    place.processor.thread.join(10)
    assert not place.processor.thread.is_alive()
    assert list(place.handover.outbox) == [(taken, AGAIN)]
    assert list(place.inbox.jobs) == [waiting]


def test_a_processor_that_is_dismissed_ends_with_the_job_in_hand() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def execute(_taken: Taken) -> Verdict:
        begun.set()
        go_on.wait(10)
        return DONE

    place = Place(execute)
    first, *_ = place.put(3)
    assert begun.wait(5)
    place.processor.dismiss()
    go_on.set()
    place.processor.thread.join(5)
    assert place.processor.gone
    assert [taken for taken, _ in place.handover.outbox] == [first]
    assert len(place.inbox) == 2, "others have the rest"
    assert not place.reported
