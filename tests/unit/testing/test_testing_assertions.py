"""kiq.testing: assertions about pushes, and how they fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from unittest.mock import ANY

import pytest

import kiq
from kiq import testing
from kiq.registry import Registry

MOMENT = datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)


class HardWorker(kiq.Job, name="testing.Asserted", queue="critical"):
    def perform(self, name: str, count: int = 1, loud: bool = False) -> None: ...


class Other(kiq.Job, name="testing.Other"):
    def perform(self, text: str | Enum) -> None: ...


@pytest.fixture(autouse=True)
def faked(unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[None]:
    """Fake mode, for the code of the test alone."""
    with testing.scoped("fake"):
        yield


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"args": ("Bob", 5)},
        {"args": ["Bob", ANY]},
        {"kwargs": {"loud": True}},
        {"queue": "critical"},
        {"at": timedelta(hours=1)},
        {"at": timedelta(minutes=59), "tolerance": 90},
        {"count": 1},
    ],
)
def test_a_job_as_wanted_is_found_and_returned(conditions: dict[str, Any]) -> None:
    jid = HardWorker.perform_in(3600, "Bob", 5, loud=True)
    (job,) = testing.assert_enqueued(HardWorker, **conditions)
    assert job.jid == jid


@pytest.mark.parametrize(
    "conditions",
    [
        {"args": ["Bob"]},
        {"args": ["Bob", 6]},
        {"kwargs": {}},
        {"queue": "low"},
        {"at": None},
        {"at": timedelta(minutes=59)},
        {"at": MOMENT},
    ],
)
def test_a_job_that_differs_in_one_thing_is_not_what_was_wanted(conditions: dict[str, Any]) -> None:
    HardWorker.perform_in(3600, "Bob", 5, loud=True)
    with pytest.raises(AssertionError):
        testing.assert_enqueued(HardWorker, **conditions)
    testing.assert_not_enqueued(HardWorker, **conditions)


def test_a_moment_may_be_given_as_date_or_number() -> None:
    HardWorker.perform_at(MOMENT, "Bob")
    testing.assert_enqueued(HardWorker, at=MOMENT)
    testing.assert_enqueued(HardWorker, at=MOMENT.timestamp() + 0.9)
    testing.assert_not_enqueued(HardWorker, at=MOMENT.timestamp() + 1.1)
    with pytest.raises(kiq.PayloadError, match="naive"):
        testing.assert_enqueued(HardWorker, at=MOMENT.replace(tzinfo=None))


def test_due_at_once_is_at_none() -> None:
    HardWorker.perform_async("Bob")
    testing.assert_enqueued(HardWorker, at=None)
    testing.assert_not_enqueued(HardWorker, at=timedelta(0))


def test_arguments_may_be_given_as_args_gives_them() -> None:
    HardWorker.perform_async("Bob", 5, loud=True)
    testing.assert_enqueued(HardWorker, args=HardWorker.args("Bob", 5, loud=True))
    testing.assert_not_enqueued(HardWorker, args=HardWorker.args("Bob", 5))


class Colour(Enum):
    RED = "red"


def test_what_travels_as_something_else_is_compared_as_what_it_travels_as() -> None:
    Other.perform_async(Colour.RED)
    testing.assert_enqueued(Other, args=[Colour.RED])
    testing.assert_enqueued(Other, args=["red"])
    Other.perform_async(text=Colour.RED)
    testing.assert_enqueued(Other, kwargs={"text": Colour.RED})
    testing.assert_not_enqueued(Other, args=[{"a": ANY}])


def test_a_failure_shows_what_was_enqueued_instead_the_class_first() -> None:
    Other.perform_async("x")
    HardWorker.perform_in(60, "Ann", 2, loud=True)
    with pytest.raises(AssertionError) as raised:
        testing.assert_enqueued(HardWorker, args=["Bob", 5], queue="low", at=timedelta(seconds=30))
    lines = str(raised.value).splitlines()
    assert lines[0] == (
        "no job was enqueued as HardWorker args=['Bob', 5] queue='low' at=+30.0 s (within 1 s); "
        "enqueued were:"
    )
    assert re.fullmatch(
        r"  testing\.Asserted args=\['Ann', 2\] kwargs=\{'loud': True\} queue='critical' "
        r"at=\d{4}-\S+\+00:00 \(\+60\.0 s\)",
        lines[1],
    )
    assert lines[2:] == ["  testing.Other args=['x'] queue='default'"]


def test_a_failure_without_any_job_says_so() -> None:
    with pytest.raises(AssertionError, match="as HardWorker; nothing was enqueued"):
        testing.assert_enqueued(HardWorker)


def test_a_failure_is_short_however_much_was_enqueued() -> None:
    HardWorker.perform_bulk([("x" * 10_000,)] * 30)
    with pytest.raises(AssertionError) as raised:
        testing.assert_enqueued(Other)
    assert len(str(raised.value)) < 10_000
    assert str(raised.value).endswith("\n  and 10 more")


def test_the_number_of_jobs_is_exact() -> None:
    HardWorker.perform_bulk([("a",), ("b",)])
    testing.assert_enqueued(HardWorker, count=2)
    for count in (1, 3):
        with pytest.raises(AssertionError, match=f"2 instead of {count} jobs were enqueued as"):
            testing.assert_enqueued(HardWorker, count=count)


def test_the_opposite_fails_with_the_jobs_that_should_not_be() -> None:
    testing.assert_not_enqueued()
    HardWorker.perform_async("Bob")
    Other.perform_async("x")
    testing.assert_not_enqueued("nobody")
    testing.assert_not_enqueued(HardWorker, args=["Ann"])
    with pytest.raises(AssertionError) as raised:
        testing.assert_not_enqueued(HardWorker, queue="critical")
    assert str(raised.value) == (
        "enqueued as HardWorker queue='critical':\n  testing.Asserted args=['Bob'] queue='critical'"
    )
    with pytest.raises(AssertionError, match="enqueued as any job"):
        testing.assert_not_enqueued()


@pytest.mark.parametrize(("made", "delay"), [(4e9, 60.0), (4e12, 60.0), ("yesterday", None)])
def test_time_stamps_of_other_programs_are_read_where_they_can_be(made: Any, delay: Any) -> None:
    kiq.push({"class": "Ruby", "args": [], "created_at": made, "at": 4e9 + 60})
    (job,) = testing.assert_enqueued("Ruby", at=4e9 + 60)
    assert job.delay == delay
    with pytest.raises(AssertionError, match=r"Ruby args=\[\] queue='default' at=2096-"):
        testing.assert_not_enqueued("Ruby")
    if delay is None:
        testing.assert_not_enqueued("Ruby", at=timedelta(minutes=1))


def test_a_due_time_that_no_calendar_has_can_be_shown() -> None:
    HardWorker.perform_at(datetime.max.replace(tzinfo=UTC), "Bob")
    with pytest.raises(AssertionError, match=r"at=253402300800|at=2\.5340"):
        testing.assert_not_enqueued(HardWorker)
