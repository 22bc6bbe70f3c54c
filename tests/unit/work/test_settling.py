"""Settling: every verdict is kept until Redis has answered it."""

from __future__ import annotations

from typing import Any

import pytest

from kiq.codec import encode
from kiq.errors import StoreError
from kiq.store.flight import DeadLimits
from kiq.verdict import (
    DONE,
    Dropped,
    Flight,
    Permit,
    Settlement,
    Taken,
    ToDead,
    ToQueue,
    ToRetry,
    ToSchedule,
    Verdict,
)
from kiq.work.handover import BATCH, Handover
from kiq.work.settling import Settler

A, B = Flight("o", "queue:a", Permit()), Flight("o", "queue:b", Permit())
RAW = encode({"class": "F", "args": [], "jid": "j1"}, "json")
RETRY = ToRetry(RAW, 60.0)


class Counter:
    """A settler at its handover, and what it reported."""

    def __init__(self) -> None:
        self.handover = Handover(2)
        self.reported: list[tuple[BaseException, dict[str, Any]]] = []
        self.settler = Settler(
            self.handover,
            DeadLimits(10, 60.0),
            lambda error, where: self.reported.append((error, where)),
        )
        self.now = 100.0

    def finish(self, verdict: Verdict = DONE, flight: Flight = A, number: int = 1) -> Taken:
        taken = Taken(f"1.{number}", flight, RAW, 0.0)
        settlement: Settlement = (taken, verdict)
        self.handover.outbox.append(settlement)
        return taken

    def send(self) -> int:
        """Load and return how many commands go out."""
        self.settler.load(self.now)
        return len(self.settler.commands())

    def read(self, *replies: Any) -> list[Taken]:
        return self.settler.read(list(replies), self.now)


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_all_that_is_done_goes_in_one_command(counter: Counter) -> None:
    jobs = [counter.finish(number=n, flight=A if n % 2 else B) for n in range(4)]
    assert counter.send() == 1
    assert counter.read([4]) == jobs
    assert not counter.settler.owing


def test_every_other_verdict_goes_in_a_command_of_its_own(counter: Counter) -> None:
    jobs = [
        counter.finish(),
        counter.finish(RETRY, number=2),
        counter.finish(ToDead(RAW, 1.0), number=3),
        counter.finish(Dropped("because"), number=4),
        counter.finish(ToQueue(), number=5),
    ]
    assert counter.send() == 5
    assert counter.read([1], [1], *[[1, 0]] * 3) == jobs


def test_what_goes_to_one_set_goes_by_the_hundred(counter: Counter) -> None:
    later = ToSchedule(RAW, 60.0)
    jobs = [counter.finish(RETRY, number=n) for n in range(150)]
    jobs += [counter.finish(later, number=n) for n in range(150, 160)]
    jobs += [counter.finish(RETRY, B, number=n) for n in range(160, 165)]
    assert counter.send() == 4
    assert counter.read([100], [50], [10], [5]) == jobs
    assert not counter.settler.owing


def test_those_that_were_not_ours_any_more_are_named(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        raw = encode({"class": "F", "args": [], "jid": f"j{number}"}, "json")
        counter.handover.outbox.append((Taken(f"1.{number}", A, raw, 0.0), RETRY))
    counter.send()
    assert len(counter.read([1, 1, 3])) == 3
    assert "job j0 was not ours any more" in caplog.text
    assert "job j2 was not ours any more" in caplog.text
    assert "j1" not in caplog.text


def test_nothing_to_settle_is_no_command(counter: Counter) -> None:
    assert counter.send() == 0
    assert counter.read() == []


def test_loading_says_how_many_jobs_finished_and_takes_a_batch_at_most(counter: Counter) -> None:
    for number in range(BATCH + 5):
        counter.finish(number=number)
    assert counter.settler.load(0) == BATCH
    assert counter.handover.owed == BATCH
    assert len(counter.handover.outbox) == 5


def test_what_was_not_answered_is_sent_again(counter: Counter) -> None:
    jobs = [counter.finish(), counter.finish(RETRY, number=2)]
    counter.send()
    counter.settler.uncertain()
    assert counter.settler.owing
    assert counter.send() == 2
    assert counter.read([1], [1]) == jobs


def test_a_repeat_that_finds_nothing_left_to_do_is_silent(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.finish()
    counter.finish(RETRY, number=2)
    counter.send()
    counter.settler.uncertain()
    counter.send()
    assert len(counter.read([0], [0, 1])) == 2
    assert caplog.text == ""


def test_a_first_answer_that_finds_nothing_says_that_jobs_will_run_twice(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.finish()
    counter.finish(RETRY, number=2)
    counter.send()
    counter.read([0], [0, 1])
    assert "1 of 1 finished jobs were not ours any more" in caplog.text
    assert "job j1 was not ours any more" in caplog.text
    caplog.clear()
    counter.finish(number=3)
    counter.send()
    counter.read([1])
    assert caplog.text == ""


def test_a_dead_set_that_overflows_is_mentioned(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.finish(ToDead(RAW, 1.0))
    counter.send()
    counter.read([1, 3])
    assert "its 3 oldest jobs were dropped" in caplog.text


# Refusals


def test_a_verdict_that_redis_refuses_backs_off_alone(counter: Counter) -> None:
    refused = counter.finish(ToDead(RAW, 1.0))
    other = counter.finish(RETRY, number=2)
    counter.send()
    assert counter.read(StoreError("WRONGTYPE"), [1]) == [other]
    assert counter.settler.owing
    assert counter.handover.owed == 0
    [(error, where)] = counter.reported
    assert str(error) == "WRONGTYPE"
    assert where["jid"] == "j1"
    assert counter.send() == 0
    counter.now = counter.settler.next_due()
    assert counter.send() == 1
    assert counter.read([1, 0]) == [refused]
    assert not counter.settler.owing
    assert counter.settler.next_due() == float("inf")


def test_what_was_refused_together_goes_alone_as_one_may_be_the_reason_for_all(
    counter: Counter,
) -> None:
    jobs = [counter.finish(RETRY, number=n) for n in range(3)]
    assert counter.send() == 1
    assert counter.read(StoreError("no float")) == []
    counter.now = counter.settler.next_due()
    assert counter.send() == 3
    assert counter.read([1], StoreError("no float"), [1]) == [jobs[0], jobs[2]]
    assert counter.settler.owing


def test_pauses_between_attempts_double_up_to_half_a_minute_and_are_reported_once(
    counter: Counter,
) -> None:
    counter.finish(RETRY)
    pauses = []
    for _ in range(10):
        counter.send()
        counter.read(StoreError("no"))
        pauses.append(counter.settler.next_due() - counter.now)
        counter.now = counter.settler.next_due()
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert len(counter.reported) == 1


def test_a_hash_that_refuses_does_not_hold_up_another(counter: Counter) -> None:
    counter.finish(flight=A)
    settled = counter.finish(flight=B, number=2)
    counter.send()
    assert counter.read([1, 1, b"WRONGTYPE"]) == [settled]
    assert "WRONGTYPE" in str(counter.reported[0][0])


def test_when_the_whole_script_is_refused_all_that_is_done_is_sent_again(counter: Counter) -> None:
    jobs = [counter.finish(), counter.finish(number=2, flight=B)]
    counter.send()
    assert counter.read(StoreError("NOPERM")) == []
    counter.now += 1
    assert counter.send() == 1
    assert counter.read([2]) == jobs


def test_a_refused_verdict_is_sent_once_however_often_the_connection_breaks(
    counter: Counter,
) -> None:
    counter.finish(RETRY)
    counter.send()
    counter.read(StoreError("no"))
    counter.now += 60
    for _ in range(5):
        counter.send()
        counter.settler.uncertain()
    assert counter.send() == 1


def test_a_suspect_that_is_done_goes_alone_so_that_its_suspicion_is_cleared(
    counter: Counter,
) -> None:
    plain = counter.finish(number=1)
    suspect = counter.finish(number=2)
    suspect.suspicion = 1
    assert counter.send() == 2
    move = counter.settler.commands()[1]
    assert suspect.delivery in move
    assert "drop" in move
    assert counter.read([1], [1, 0]) == [plain, suspect]
