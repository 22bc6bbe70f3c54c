"""kiq.testing: time that is moved or stands still, by kiq itself or by the libraries that do so."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import freezegun
import pytest
import time_machine

import kiq
from kiq import clock, payload, pusher, testing
from kiq.registry import Registry

NOON = datetime(2040, 1, 2, 12, tzinfo=UTC)
ran: list[Any] = []


class Reminder(kiq.Job, name="clock.Reminder"):
    def perform(self, what: Any, again: float = 0) -> None:
        running = kiq.current_job()
        assert running is not None
        ran.append((what, running.payload["enqueued_at"] / 1000))
        if again:
            Reminder.perform_in(again, what)


@pytest.fixture(autouse=True)
def faked(unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[None]:
    """Fake mode; and whatever a test does, kiq has its own clock afterwards."""
    ran.clear()
    with testing.scoped("fake"):
        yield
    assert vars(pusher)["wall"] is clock.wall is time.time
    assert vars(pusher)["milliseconds"] is vars(payload)["milliseconds"] is clock.milliseconds
    assert abs(clock.wall() - time.time()) < 60


def whats() -> list[Any]:
    return [what for what, _ in ran]


def test_a_job_is_due_when_its_time_has_come_and_not_before() -> None:
    with testing.freeze(NOON) as now:
        Reminder.perform_in(60, "minute")
        Reminder.perform_at(NOON + timedelta(hours=1), "hour")
        Reminder.perform_async("now")
        assert testing.drain_due() == 1
        now.advance(59)
        assert testing.drain_due() == 0
        now.advance(1)
        assert testing.drain_due() == 1
        now.advance(timedelta(hours=1))
        assert testing.drain_due() == 1
    start = NOON.timestamp()
    assert ran == [("now", start), ("minute", start + 60), ("hour", start + 3660)]


def test_a_job_that_pushes_itself_again_runs_once_for_each_time_that_has_come() -> None:
    with testing.freeze() as now:
        Reminder.perform_in(60, "tick", again=60)
        for _ in range(3):
            now.advance(60)
            testing.drain_due()
        assert whats() == ["tick"] * 2  # the second does not push again
        assert testing.jobs() == []


def test_drain_due_of_one_class_or_queue_leaves_the_others() -> None:
    Reminder.perform_async("a")
    Reminder.set(queue="low").perform_async("b")
    assert testing.drain_due(Reminder, queue="low") == 1
    assert testing.drain_due("nobody") == 0
    with pytest.raises(testing.EndlessDrain):
        testing.drain_due(limit=0)
    assert len(testing.jobs()) == 1


def test_what_is_pushed_for_a_time_that_has_passed_is_due_at_once() -> None:
    with testing.travel(NOON):
        Reminder.perform_at(NOON - timedelta(minutes=1), "past")
        testing.assert_enqueued(Reminder, at=None)


def test_time_goes_on_after_travelling_and_stands_still_when_frozen() -> None:
    with testing.travel(NOON) as there:
        first = there.now
        threading.Event().wait(0.01)
        assert 0.01 <= there.now - first < 60
        assert abs(clock.wall() - NOON.timestamp()) < 60
    with testing.freeze(NOON) as there:
        threading.Event().wait(0.01)
        assert there.now == clock.wall() == clock.milliseconds() / 1000 == NOON.timestamp()


def test_a_timedelta_is_from_now_and_blocks_nest() -> None:
    with testing.freeze(NOON), testing.travel(timedelta(days=-1)) as yesterday:
        assert abs(yesterday.now - NOON.timestamp() + 86400) < 60
        with testing.freeze() as still:
            assert abs(still.now - yesterday.now) < 60
            testing.drain(until=timedelta(0))
            Reminder.perform_in(30, "later")
            assert testing.drain(until=timedelta(seconds=29)) == 0
            assert testing.drain(until=still.now + 30) == 1


def test_blocks_that_overlap_may_end_in_any_order() -> None:
    first, second = testing.freeze(NOON), testing.freeze(NOON + timedelta(days=1))
    first.__enter__()
    later = second.__enter__()
    first.__exit__(None, None, None)
    assert clock.wall() == later.now
    second.__exit__(None, None, None)


def test_every_thread_sees_the_time_of_the_test() -> None:
    with testing.freeze(NOON):
        thread = threading.Thread(target=lambda: seen.append(clock.wall()))
        seen: list[float] = []
        thread.start()
        thread.join()
    assert seen == [NOON.timestamp()]


def test_a_module_that_is_imported_meanwhile_has_the_usual_clock_afterwards() -> None:
    late = ModuleType("kiq.late")
    with testing.freeze(NOON):
        vars(late)["wall"] = clock.wall
        sys.modules["kiq.late"] = late
    try:
        assert vars(late)["wall"] is time.time
    finally:
        del sys.modules["kiq.late"]


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(kiq.PayloadError, match="naive"), testing.travel(datetime(2040, 1, 1)):
        pass
    with testing.freeze() as now, pytest.raises(kiq.ConfigError, match="'60'"):
        now.advance("60")  # type: ignore[arg-type]


def test_time_machine_moves_kiq_too() -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        Reminder.perform_in(60, "minute")
        (job,) = testing.assert_enqueued(Reminder, at=NOON + timedelta(minutes=1), tolerance=0)
        assert job.payload["created_at"] == NOON.timestamp() * 1000
        assert testing.drain_due() == 0
        traveller.shift(60)
        assert testing.drain_due() == 1
    assert ran == [("minute", NOON.timestamp() + 60)]


def test_freezegun_moves_kiq_too() -> None:
    with freezegun.freeze_time(NOON) as frozen:
        Reminder.perform_in(60, "minute")
        (job,) = testing.assert_enqueued(Reminder, at=NOON + timedelta(minutes=1), tolerance=0)
        assert job.payload["created_at"] == NOON.timestamp() * 1000
        assert testing.drain_due() == 0
        frozen.tick(60)
        assert testing.drain_due() == 1
    assert ran == [("minute", NOON.timestamp() + 60)]


def stopped_by(library: str) -> Any:
    if library == "freezegun":
        return freezegun.freeze_time(NOON)
    return time_machine.travel(NOON, tick=False)


@pytest.mark.parametrize("library", ["freezegun", "time-machine"])
def test_kiq_s_own_travels_start_from_where_such_a_library_is(library: str) -> None:
    with stopped_by(library), testing.travel(timedelta(hours=1)) as there:
        assert there.now == clock.wall() == NOON.timestamp() + 3600
        there.advance(60)
        assert clock.milliseconds() == (NOON.timestamp() + 3660) * 1000


@pytest.mark.parametrize("library", ["freezegun", "time-machine"])
def test_a_library_that_begins_inside_leaves_kiq_with_one_time(library: str) -> None:
    with testing.freeze(NOON - timedelta(days=1)):
        with stopped_by(library):
            assert abs(clock.wall() - clock.milliseconds() / 1000) < 1
        assert abs(clock.wall() - clock.milliseconds() / 1000) < 1


@pytest.mark.parametrize("library", ["freezegun", "time-machine"])
def test_a_date_that_such_a_library_made_can_be_pushed(library: str) -> None:
    with stopped_by(library):
        Reminder.perform_at(datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC))
        testing.assert_enqueued(Reminder, args=[NOON], at=timedelta(minutes=1))
