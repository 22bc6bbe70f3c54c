"""When a job is due: delays, dates, and numbers that say one and mean the other."""

from __future__ import annotations

import math
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NoReturn

import pytest
import redis

import kiq
from kiq.errors import PayloadError
from tests.helpers.stored import in_queue, scheduled


class Later(kiq.Job, name="times.Later"):
    def perform(self) -> None: ...


class NotATime(datetime):
    """As pandas.NaT."""

    def utcoffset(self) -> NoReturn:
        raise AttributeError("NaTType does not support utcoffset")


class Pendulum(datetime):
    """As pendulum's: its arithmetic does not take plain values."""

    __sub__ = __rsub__ = __add__ = NotATime.utcoffset  # type: ignore[assignment]


class Arrow:
    datetime = datetime(2096, 1, 1, tzinfo=UTC)


class Int64:
    dtype = "int64"


@pytest.mark.parametrize("delay", [60, 60.5, timedelta(minutes=1, milliseconds=500)])
def test_a_delay_counts_from_now(fake: redis.Redis, delay: Any) -> None:
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    before = time.time()
    Later.perform_in(delay)
    after = time.time()
    ((score, payload),) = scheduled(fake)
    assert before + seconds <= score <= after + seconds
    assert "at" not in payload
    assert "enqueued_at" not in payload


@pytest.mark.parametrize(
    ("when", "score"),
    [
        (4_000_000_000, 4_000_000_000.0),
        (4_000_000_000.25, 4_000_000_000.25),
        (datetime(2096, 10, 2, 7, 6, 40, tzinfo=UTC), 4_000_000_000.0),
        (datetime(2096, 10, 2, 9, 6, 40, tzinfo=timezone(timedelta(hours=2))), 4_000_000_000.0),
    ],
)
def test_a_date_is_the_score(fake: redis.Redis, when: Any, score: float) -> None:
    Later.perform_at(when)
    assert [at for at, _ in scheduled(fake)] == [score]


def test_a_date_is_good_to_the_end_of_the_calendar(fake: redis.Redis) -> None:
    Later.perform_at(datetime.max.replace(tzinfo=UTC))
    Later.perform_at(253_402_300_799)
    assert [int(at) for at, _ in scheduled(fake)] == [253_402_300_799, 253_402_300_800]


def test_a_date_of_another_library_is_taken(fake: redis.Redis) -> None:
    Later.perform_at(Pendulum(2096, 10, 2, 7, 6, 40, tzinfo=UTC))
    Later.perform_bulk([(), ()], at=[Pendulum(2096, 10, 2, 7, 6, 40, tzinfo=UTC)] * 2)
    assert [at for at, _ in scheduled(fake)] == [4e9] * 3


@pytest.mark.parametrize("at", [1.76e12, 1e300])
def test_milliseconds_are_refused_in_a_bare_payload_and_after_middleware(
    fake: redis.Redis, at: float
) -> None:
    with pytest.raises(PayloadError, match="is after the year 9999"):
        kiq.push({"class": "Bare", "args": [], "at": at})

    def delays(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload["at"] = at
        return call_next(context)

    kiq.host.around_push(delays)
    with pytest.raises(PayloadError, match="is after the year 9999"):
        Later.perform_async()
    assert fake.keys() == []


@pytest.mark.parametrize("signal", [kiq.Snooze, kiq.Retry])
@pytest.mark.parametrize("seconds", [1.76e9, 1e9, math.inf, math.nan, -1, timedelta.max, "60"])
def test_a_wait_that_a_job_asks_for_is_a_span_of_time(signal: Any, seconds: Any) -> None:
    with pytest.raises(PayloadError, match=r"takes seconds from now \(0 or more, and no date\)"):
        signal(seconds)


@pytest.mark.parametrize("delay", [0, -5, -0.5, timedelta(seconds=-1), -999_999_999])
def test_a_delay_of_nothing_or_less_pushes_now(fake: redis.Redis, delay: Any) -> None:
    Later.perform_in(delay)
    (payload,) = in_queue(fake)
    assert "enqueued_at" in payload
    assert "at" not in payload
    assert scheduled(fake) == []


@pytest.mark.parametrize("when", [1_000_000_000, datetime(2001, 9, 10, tzinfo=UTC)])
def test_a_date_that_is_past_pushes_now(fake: redis.Redis, when: Any) -> None:
    Later.perform_at(when)
    assert len(in_queue(fake)) == 1
    assert scheduled(fake) == []


@pytest.mark.parametrize(
    ("delay", "words"),
    [
        (1_000_000_000, "over 31 years from now: it looks like a date; use perform_at"),
        (math.inf, "it looks like a date; use perform_at"),
        (datetime(2096, 1, 1, tzinfo=UTC), "perform_in takes a delay; use perform_at"),
        (math.nan, "perform_in takes a delay in seconds, or a timedelta, not nan"),
        ("60", "perform_in takes a delay in seconds, or a timedelta, not '60'"),
        (None, "perform_in takes a delay in seconds, or a timedelta, not None"),
        (True, "perform_in takes a delay in seconds, or a timedelta, not True"),
        (timedelta.max, "use perform_at"),
        pytest.param(10**400, "use perform_at", id="huge"),
        (-1_000_000_000, "is over 31 years ago: that is no delay"),
        (-math.inf, "is over 31 years ago"),
        (timedelta.min, "is over 31 years ago"),
        (Decimal(60), "perform_in takes a delay in seconds, or a timedelta, not Decimal('60')"),
        (NotATime(1, 1, 1), "perform_in takes a delay"),
    ],
)
def test_what_is_no_delay_is_refused_and_nothing_is_written(
    fake: redis.Redis, delay: Any, words: str
) -> None:
    with pytest.raises(PayloadError) as raised:
        Later.perform_in(delay)
    assert words in str(raised.value)
    assert fake.keys() == []


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (60, "perform_at(60) is a moment before 2001; for a delay of 60 seconds write perform_in"),
        (0, "write perform_in(0, ...)"),
        (-60, "a moment before 2001"),
        (-1.7e12, "a moment before 2001"),
        (
            1.76e12,
            "is after the year 9999: it is no number of seconds; did you mean 1760000000000.0 / 1_000?",
        ),
        (1_760_000_000_000, "did you mean 1760000000000 / 1_000?"),
        (1_760_000_000_000_000, "/ 1_000_000?"),
        (1_760_000_000_000_000_000, "/ 1_000_000_000?"),
        (1e300, "is after the year 9999"),
        (NotATime(1, 1, 1), "is no moment: AttributeError: "),
        (Arrow(), "; pass value.datetime"),
        (Int64(), "; pass value.item()"),
        (999_999_999.9, "a moment before 2001"),
        (datetime(2096, 1, 1), "is naive: it means another moment on another machine"),
        (timedelta(hours=1), "perform_at takes a date; use perform_in"),
        (math.nan, "must be a finite number"),
        (math.inf, "must be a finite number"),
        pytest.param(10**400, "must be a finite number", id="huge"),
        ("2096-01-01", "must be a finite number of epoch seconds, got '2096-01-01'"),
        (date(2096, 1, 1), "must be a finite number"),
        (None, "must be a finite number"),
        (True, "must be a finite number"),
    ],
)
def test_what_is_no_date_is_refused_and_nothing_is_written(
    fake: redis.Redis, when: Any, words: str
) -> None:
    with pytest.raises(PayloadError) as raised:
        Later.perform_at(when)
    assert words in str(raised.value)
    assert fake.keys() == []
