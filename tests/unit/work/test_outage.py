"""An outage of Redis: short pauses that grow, and few words."""

from __future__ import annotations

import logging
import threading

import pytest

from kiq.errors import StoreDenied, StoreError, StoreUnavailable
from kiq.work.outage import Outage, Trouble


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("dice", [0.0, 0.5, 0.999])
def test_pauses_begin_short_and_never_exceed_a_second(dice: float) -> None:
    outage = Outage("part", Clock(100.0), lambda: dice)
    pauses = [outage.failed(OSError()) for _ in range(12)]
    assert pauses[0] <= 0.05
    assert pauses == sorted(pauses)
    assert 0.7 <= pauses[-1] <= 1.0


def test_pauses_are_short_again_after_redis_was_back() -> None:
    outage = Outage("part", Clock(100.0), lambda: 0.5)
    first = outage.failed(OSError())
    outage.failed(OSError())
    outage.over()
    assert outage.failed(OSError()) == first


def test_it_knows_whether_it_lasts() -> None:
    outage = Outage("part", Clock(0.0))
    assert not outage.lasting
    outage.failed(OSError())
    assert outage.lasting
    outage.over()
    assert not outage.lasting


@pytest.mark.parametrize("uptime", [0.0, 3.0, 1e6])
def test_an_outage_is_two_lines_in_the_log_also_on_a_machine_that_just_started(
    uptime: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    clock = Clock(uptime)
    outage = Outage("capsule default", clock)
    for _ in range(5):
        outage.failed(OSError("refused"))
        clock.now += 0.5
    outage.over()
    outage.over()
    assert lines(caplog) == [
        "capsule default: refused; trying again until it answers",
        "capsule default: Redis is back after 2.5 s",
    ]


def test_a_long_outage_is_mentioned_every_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(100.0)
    outage = Outage("part", clock)
    for _ in range(31):
        outage.failed(OSError("refused"))
        clock.now += 1
    assert len(lines(caplog)) == 4


def test_an_outage_is_two_lines_for_all_parts_together_however_long_it_lasts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    clock, trouble = Clock(100.0), Trouble()
    parts = [Outage(name, clock, trouble=trouble) for name in ("poller", "heartbeat", "courier")]
    for words in ("closed by server", *["Connection refused"] * 60):
        for part in parts:
            part.failed(StoreUnavailable(f"Redis can't be reached: {words}"))
        clock.now += 1
    for part in parts:
        part.over()
        clock.now += 0.5
    assert lines(caplog) == [
        "Redis can't be reached: closed by server; trying again until it answers",
        "Redis is back after 62.0 s",
    ]
    parts[1].failed(StoreUnavailable("once more"))
    parts[0].over()
    parts[1].over()
    assert len(lines(caplog)) == 4


def test_another_kind_of_trouble_amid_an_outage_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trouble = Trouble()
    parts = [Outage(name, trouble=trouble) for name in ("poller", "courier")]
    for cause in (OSError("refused"), RuntimeError("no token"), OSError("refused")):
        for part in parts:
            error = StoreUnavailable(f"can't connect: {cause}")
            error.__cause__ = cause
            part.failed(error)
    assert [line.partition(";")[0] for line in lines(caplog)] == [
        "can't connect: refused",
        "can't connect: no token",
    ]


def test_threads_that_meet_an_outage_at_once_say_it_once(caplog: pytest.LogCaptureFixture) -> None:
    trouble, together = Trouble(), threading.Barrier(8)

    def meets(part: Outage) -> None:
        together.wait()
        for _ in range(200):
            part.failed(StoreUnavailable("away"))

    parts = [Outage(f"{number}", trouble=trouble) for number in range(8)]
    threads = [threading.Thread(target=meets, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(caplog)) == 1


def test_nothing_is_said_when_there_was_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    Outage("part", Clock(5.0)).over()
    assert lines(caplog) == []


def test_another_kind_of_trouble_is_said_at_once(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("part", Clock(100.0))
    for error in (OSError("cut"), OSError("refused"), RuntimeError("no token"), OSError("refused")):
        outage.failed(error)
    assert [line.partition(";")[0] for line in lines(caplog)] == [
        "part: cut",
        "part: no token",
        "part: refused",
    ]


# What Redis refuses: only a person can mend it


def refused(words: str = "wrong password") -> StoreDenied:
    return StoreDenied(f"Redis refused {words}: so it says")


def test_a_refusal_is_said_once_by_all_parts_together_however_long_it_lasts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock(100.0)
    trouble = Trouble()
    parts = [Outage(name, clock, trouble=trouble) for name in ("poller", "heartbeat", "reclaimer")]
    for _ in range(1000):
        clock.now += 1
        for part in parts:
            part.failed(refused())
    assert lines(caplog) == [
        "poller: Redis refused wrong password: so it says. This is said once; it is tried again every 10 s"
    ]
    for part in parts:
        part.over()
    assert lines(caplog)[1:] == ["poller: Redis is back after 999.0 s"]


def test_two_workers_in_one_process_each_say_what_they_are_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    workers = [Outage("poller", Clock(100.0), trouble=Trouble()) for _ in range(2)]
    for each in workers:
        each.failed(refused())
    workers[0].over()
    workers[1].failed(refused())
    assert len(lines(caplog)) == 3, "two refusals, one return; the other's is not said anew"


def test_the_next_refusal_and_another_one_are_said_again(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("poller", Clock(100.0))
    outage.failed(refused("get"))
    outage.failed(refused("set"))
    outage.over()
    caplog.clear()
    outage.failed(refused("set"))
    outage.failed(refused("get"))
    assert len(lines(caplog)) == 2
    outage.over()


def test_a_refusal_behind_another_error_is_one(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("poller", Clock(100.0))
    error = StoreError("due jobs can't be promoted")
    error.__cause__ = refused()
    for _ in range(3):
        outage.failed(error)
    outage.over()
    assert len(lines(caplog)) == 2


def test_pauses_grow_further_while_redis_refuses() -> None:
    outage = Outage("part", Clock(100.0), lambda: 0.999)
    pauses = [outage.failed(refused()) for _ in range(12)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 0.05
    assert 9.9 <= pauses[-1] <= 10.0
    assert outage.failed(OSError()) <= 10.0
    assert outage.failed(OSError()) <= 1.0
    outage.over()
