"""What the layer of metrics counts, without Redis."""

from __future__ import annotations

import math
import threading
import time
from decimal import Decimal
from typing import Any

import pytest

import kiq
from kiq.errors import Shutdown
from kiq.middleware import Chain, ServerContext
from kiq.plugins.metrics.layer import Measuring
from kiq.plugins.metrics.tally import (
    MOST_KEPT,
    MOST_MINUTES,
    MOST_NAMES,
    OTHERS,
    Measured,
    Tally,
    _drained,
    shown_name,
)

NOON = 1_800_000_000.0


def context(name: Any = "HardWorker", **fields: Any) -> ServerContext:
    return ServerContext({"class": name, "args": [], **fields}, "default", object, None)


def run(tally: Tally, of: ServerContext, perform: Any = lambda _: None) -> Any:
    chain: Chain[ServerContext] = Chain()
    chain.add(Measuring(tally))
    return chain.fold(perform)(of)


def total(tally: Tally) -> dict[str, Measured]:
    """What a tally holds, whatever the minute."""
    found: dict[str, Measured] = {}
    for classes in tally.take().values():
        for name, measured in classes.items():
            found.setdefault(name, Measured()).add(measured)
    return found


def milliseconds(ago: float = 0.0) -> int:
    return int((time.time() - ago) * 1000)


def raising(error: BaseException) -> Any:
    def perform(_: ServerContext) -> None:
        raise error

    return perform


def test_runs_are_counted_by_class_with_time_and_wait() -> None:
    tally = Tally()
    for _ in range(3):
        run(tally, context(enqueued_at=milliseconds(ago=2)))
    run(tally, context("Other", enqueued_at=milliseconds()))
    found = total(tally)
    hard = found["HardWorker"]
    assert (hard.succeeded, hard.failed, hard.waits) == (3, 0, 3)
    assert hard.run_times[0] == 3
    assert 5.9 < hard.waited < 9
    assert hard.wait_times[11] + hard.wait_times[12] == 3
    assert found["Other"].succeeded == 1
    assert total(tally) == {}


def test_the_result_of_a_job_passes() -> None:
    assert run(Tally(), context(), lambda _: 7) == 7


def test_a_failure_is_counted_without_its_time_and_passes() -> None:
    tally = Tally()
    with pytest.raises(ValueError, match="boom"):
        run(tally, context(enqueued_at=milliseconds()), raising(ValueError("boom")))
    with pytest.raises(kiq.Kill):
        run(tally, context(), raising(kiq.Kill()))
    found = total(tally)["HardWorker"]
    assert (found.succeeded, found.failed, found.waits, sum(found.run_times)) == (0, 2, 1, 0)


def interrupted() -> BaseException:
    try:
        try:
            raise Shutdown
        except Shutdown as error:
            raise RuntimeError("while cleaning up") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error", [kiq.Snooze(5), kiq.Cancelled(), Shutdown(), interrupted()], ids=repr
)
def test_a_run_that_is_broken_off_to_go_on_later_is_no_failure(error: BaseException) -> None:
    tally = Tally()
    with pytest.raises(type(error)):
        run(tally, context(), raising(error))
    found = total(tally)["HardWorker"]
    assert (found.succeeded, found.failed, sum(found.run_times)) == (1, 0, 1)


def test_what_it_adds_does_not_depend_on_the_order_of_slow_and_fast() -> None:
    tally = Tally()
    for stamp in (None, milliseconds(), None, milliseconds()):
        run(tally, context(**({} if stamp is None else {"enqueued_at": stamp})))
    found = total(tally)["HardWorker"]
    assert (found.succeeded, found.waits) == (4, 2)


@pytest.mark.parametrize("unit", [1, 1000], ids=["seconds", "milliseconds"])
@pytest.mark.parametrize("kind", [int, float])
def test_a_wait_is_known_from_a_time_stamp_in_either_unit(unit: int, kind: Any) -> None:
    tally = Tally()
    for _ in range(2):
        run(tally, context(enqueued_at=kind((time.time() - 30) * unit)))
    found = total(tally)["HardWorker"]
    assert found.waits == 2
    assert 58 < found.waited < 66


STRANGE: list[Any] = [
    *(None, "2026-01-01T00:00:00Z", True, [], {}, b"x", Decimal(milliseconds())),
    *(0, -1, 10**400, math.inf, -math.inf, math.nan, 1e300, milliseconds() * 1000),
]


@pytest.mark.parametrize("stamp", STRANGE, ids=range(len(STRANGE)))
def test_a_time_stamp_that_is_none_costs_only_the_wait(stamp: Any) -> None:
    tally = Tally()
    for _ in range(2):
        run(tally, context(enqueued_at=stamp))
        run(tally, context(enqueued_at=milliseconds()))
    found = total(tally)["HardWorker"]
    assert (found.succeeded, found.waits) == (4, 2)
    assert 0 <= found.waited < 1


def test_a_producer_whose_clock_is_ahead_gives_no_negative_wait() -> None:
    tally = Tally()
    run(tally, context(enqueued_at=milliseconds(ago=-50)))
    run(tally, context(enqueued_at=milliseconds(ago=-50)))
    found = total(tally)["HardWorker"]
    assert (found.waits, found.wait_times[0]) == (2, 2)
    assert found.waited == 0


def test_a_job_that_takes_its_payload_apart_is_counted() -> None:
    tally = Tally()
    for spoil in (lambda c: c.payload.clear(), lambda c: c.payload.update({"class": []})):
        run(tally, context(enqueued_at=milliseconds()), spoil)
    assert total(tally)[OTHERS].succeeded == 2


def test_a_class_that_wraps_others_is_counted_as_these() -> None:
    tally = Tally()
    for wrapped in ("Mailer", "Import", "Mailer"):
        run(tally, context("Wrapper", wrapped=wrapped, enqueued_at=milliseconds()))
    found = total(tally)
    assert {name: each.succeeded for name, each in found.items()} == {"Mailer": 2, "Import": 1}


def test_names_can_break_nothing_that_shows_them() -> None:
    assert shown_name("app.jobs.HardWorker") == "app.jobs.HardWorker"
    assert shown_name("Admin::Mailer") == "Admin::Mailer"
    assert shown_name("a|p") == "a_p"
    assert shown_name("<script>\x1b[2J\ud800\n") == "_script___2J__"
    assert len(shown_name("x" * 10_000)) == 200
    for none in ("", None, 7, [], OTHERS):
        assert shown_name(none) == OTHERS


def test_thousands_of_names_take_bounded_room() -> None:
    tally = Tally()
    for number in range(MOST_NAMES + 500):
        run(tally, context("Wrapper", wrapped=f"name {number}"))
    run(tally, context("NotCrowdedOut"))
    run(tally, context(wrapped=["no name"]))
    found = total(tally)
    assert found.pop("NotCrowdedOut").succeeded == found.pop("HardWorker").succeeded == 1
    assert len(found) == MOST_NAMES + 1
    assert sum(each.succeeded for each in found.values()) == MOST_NAMES + 500
    assert found[OTHERS].succeeded == 500


def test_no_run_is_lost_or_counted_twice_beside_others() -> None:
    tally = Tally()
    threads, each = 8, 4_000
    taken: list[dict[str, Measured]] = []
    done = threading.Event()

    def jobs(number: int) -> None:
        for at in range(each):
            of = context(f"Class{at % 3}", enqueued_at=milliseconds())
            if at % 10:
                run(tally, of)
            else:
                with pytest.raises(ValueError):
                    run(tally, of, raising(ValueError()))

    def write() -> None:
        while not done.is_set():
            taken.append(total(tally))

    writer = threading.Thread(target=write)
    crew = [threading.Thread(target=jobs, args=(number,)) for number in range(threads)]
    for thread in (writer, *crew):
        thread.start()
    for thread in crew:
        thread.join()
    done.set()
    writer.join()
    taken.append(total(tally))
    every = [measured for found in taken for measured in found.values()]
    assert sum(one.succeeded for one in every) == threads * each * 9 // 10
    assert sum(one.failed for one in every) == threads * each // 10
    assert sum(one.waits for one in every) == threads * each
    assert sum(sum(one.run_times) for one in every) == threads * each * 9 // 10
    assert sum(sum(one.wait_times) for one in every) == threads * each


class Busy(list[float]):
    """A list to which another thread appends just after it was copied."""

    def __getitem__(self, at: Any) -> Any:
        taken = super().__getitem__(at)
        self.append(9.0)
        return taken


def test_what_is_appended_while_it_folds_stays_for_the_next_time() -> None:
    times = Busy([1.0, 2.0])
    assert _drained(times) == [1.0, 2.0]
    assert list(times) == [9.0]


@pytest.mark.parametrize("stamped", [True, False])
def test_what_gathers_between_two_flushes_is_folded_meanwhile(stamped: bool) -> None:
    tally = Tally()
    runs = before = folded = 0
    until = time.monotonic() + 20
    while folded < 3 and time.monotonic() < until:
        run(tally, context(**({"enqueued_at": milliseconds()} if stamped else {})))
        runs += 1
        waiting = len(tally._entries["HardWorker"].runs)
        folded += waiting <= before
        before = waiting
    assert folded == 3
    assert total(tally)["HardWorker"].succeeded == runs


def test_runs_are_booked_in_the_minute_in_which_they_ended() -> None:
    now = [NOON]
    tally = Tally(lambda: now[0])
    run(tally, context())
    tally.gather(0.0)
    now[0] += 60
    run(tally, context())
    tally.gather(0.0)
    assert [each["HardWorker"].succeeded for _, each in sorted(tally.take().items())] == [1, 1]


def test_while_nothing_can_be_written_the_oldest_minutes_merge() -> None:
    tally = Tally()
    for number in range(MOST_MINUTES + 10):
        one = Measured()
        one.succeeded = 1
        tally.put_back({number: {"HardWorker": one}})
    minutes = tally.take()
    assert len(minutes) == MOST_MINUTES
    assert minutes[10]["HardWorker"].succeeded == 11
    assert sum(each["HardWorker"].succeeded for each in minutes.values()) == MOST_MINUTES + 10


def test_while_nothing_can_be_written_thousands_of_classes_keep_fewer_minutes() -> None:
    tally = Tally()
    for minute in range(10):
        classes = {}
        for number in range(MOST_KEPT // 4):
            classes[f"Class{number}"] = Measured()
            classes[f"Class{number}"].succeeded = 1
        tally.put_back({minute: classes})
    minutes = tally.take()
    assert sorted(minutes) == [6, 7, 8, 9]
    assert sum(each["Class7"].succeeded for each in minutes.values()) == 10


def test_it_sees_no_job_twice_when_run_inline(fresh_host: kiq.Host) -> None:
    tally = Tally()
    fresh_host.around_perform(Measuring(tally))

    @kiq.job(name="metrics.inline")
    def double(number: int) -> int:
        return 2 * number

    assert double.perform_inline(4) == 8
    assert total(tally)["metrics.inline"].succeeded == 1
