"""What the log says of an error: what failed, what comes next, whose frames; of a storm the first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiq import error_log
from kiq.error_log import Told, log_error

WHERE = {"jid": "j1", "class": "Mail", "queue": "default", "attempt": 1}
FATE = "attempt 1 of 26, again in 15 s"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Said:
    """What has been logged in this phase of the test."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __getitem__(self, at: int) -> logging.LogRecord:
        return self._caplog.records[at]

    def __len__(self) -> int:
        return len(self._caplog.records)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(error_log, "steady", made)
    monkeypatch.setattr(error_log, "_told", Told())
    return made


@pytest.fixture
def said(clock: Clock, caplog: pytest.LogCaptureFixture) -> Iterator[Said]:
    with caplog.at_level(logging.INFO, "kiq.errors"):
        yield Said(caplog)


def fail(what: str = "boom") -> Exception:
    try:
        raise LookupError(what)
    except LookupError as error:
        return error


def fail_elsewhere() -> Exception:
    try:
        raise LookupError("boom")
    except LookupError as error:
        return error


def fail_behind() -> Exception:
    try:
        try:
            raise ValueError("the cause")
        except ValueError as error:
            raise LookupError("boom") from error
    except LookupError as error:
        return error


def log(error: Exception, **more: object) -> None:
    log_error(error, {**WHERE, "fate": FATE, **more})


def test_it_says_what_comes_next_and_where_it_was(said: Said) -> None:
    log(fail())
    assert said[0].getMessage() == f"LookupError: boom ({FATE}) [jid=j1 class=Mail queue=default]"
    assert said[0].kiq_said == f"LookupError: boom ({FATE})"  # type: ignore[attr-defined]
    assert said[0].kiq_fields == WHERE  # type: ignore[attr-defined]


def test_what_is_not_a_job_keeps_its_place_in_what_is_said(said: Said) -> None:
    log_error(fail(), {"context": "poller"})
    assert said[0].kiq_said == "LookupError: boom [context=poller]"  # type: ignore[attr-defined]


def test_a_storm_is_told_once_a_second_with_a_count(said: Said, clock: Clock) -> None:
    for number in range(1_500):
        log(fail(str(number)))
    clock.now += 1
    log(fail("later"))
    told = [bool(record.exc_info) for record in said]
    assert told == [True, *[False] * 1_499, True]
    assert all(f"LookupError: {number} " in said[number].getMessage() for number in range(1_500))
    assert said[-1].getMessage().endswith("(1,499 more like it came since the last traceback)")


@pytest.mark.parametrize(
    "other",
    [
        lambda: log(fail_elsewhere()),
        lambda: log(fail_behind()),
        lambda: log(fail(), **{"class": "Other"}),
        lambda: log(KeyError("boom")),
    ],
    ids=["another place", "another cause", "another class", "another error"],
)
def test_what_is_of_another_kind_has_its_traceback(said: Said, other: Callable[[], None]) -> None:
    log(fail())
    other()
    assert [bool(record.exc_info) for record in said] == [True, True]


def test_kinds_are_forgotten_before_they_are_too_many(clock: Clock) -> None:
    told = Told()
    for number in range(10_000):
        assert told.look(number, clock.now) == 0
    assert len(told._kinds) <= 1_000


def raised_by_kiq(code: str, name: str) -> Exception:
    """An error of *code*, called from a module of kiq's."""
    scope: dict[str, object] = {"__name__": name, "fail": fail, "fail_itself": _raise}
    exec(compile(code, f"{name}.py", "exec"), scope)  # noqa: S102 (a module of kiq's, as it were)
    try:
        scope["call"]()  # type: ignore[operator]
    except Exception as error:
        return error
    raise AssertionError


def _raise() -> None:
    raise LookupError("boom")


def names(record: logging.LogRecord) -> list[str]:
    assert record.exc_info
    trace, found = record.exc_info[2], []
    while trace is not None:
        found.append(Path(trace.tb_frame.f_code.co_filename).name)
        trace = trace.tb_next
    return found


def test_the_traceback_begins_with_the_first_frame_that_is_not_kiqs(
    said: Said, caplog: pytest.LogCaptureFixture
) -> None:
    error = raised_by_kiq("def call(): fail_itself()", "kiq.work.executor")
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    log(error)
    assert names(said[0]) == ["test_error_log.py"]
    caplog.set_level(logging.DEBUG, "kiq.errors")
    log(error, **{"class": "Whole"})
    assert names(said[1]) == ["kiq.work.executor.py", "test_error_log.py"]


def test_an_error_of_kiqs_own_has_all_of_its_frames(said: Said) -> None:
    error = raised_by_kiq("def call(): 1 / 0", "kiq.work.executor")
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    log(error)
    assert names(said[0]) == ["kiq.work.executor.py"]
