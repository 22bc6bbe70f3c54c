"""kiq's loggers in a worker: they raise nothing, can't be switched off, and hold up none of its threads."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kiq import loggers
from kiq.errors import Cancelled, Shutdown, TimeLimitExceeded
from kiq.kept import Kept
from kiq.loggers import Lines, Own
from tests.helpers.waiting import eventually


class Recording(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []
        self.error: BaseException | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    def emit(self, record: logging.LogRecord) -> None:
        self.go_on.wait(10)
        if self.error is not None:
            raise self.error
        self.said.append((threading.current_thread().name, record.getMessage()))


@pytest.fixture
def handler() -> Recording:
    return Recording()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    made = Lines()
    made._thread = Kept(lambda: None, "not started")
    monkeypatch.setattr(loggers, "lines", made)
    yield made
    made.open = False


def logger(name: str, handler: logging.Handler) -> Own:
    made = Own(name, logging.DEBUG)
    made.addHandler(handler)
    # Where the log thread looks a logger up by its name.
    logging.root.manager.loggerDict[name] = made
    return made


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    before = dict(logging.root.manager.loggerDict)
    yield
    logging.root.manager.loggerDict.clear()
    logging.root.manager.loggerDict.update(before)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    made = Lines()
    monkeypatch.setattr(loggers, "lines", made)
    made.start()
    yield made
    made.open = False


def on_own_thread(call: Any) -> None:
    thread = Kept(call, "kiq-own")
    thread.start()
    assert thread.join(5)


@pytest.mark.parametrize("name", ["kiq.job", "kiq.job.Mail", "kiq.errors"])
def test_lines_of_jobs_are_written_where_they_are_said(
    started: Lines, handler: Recording, name: str
) -> None:
    logger(name, handler).info("here")
    assert handler.said == [(threading.current_thread().name, "here")]


def test_other_lines_and_those_of_kiqs_own_threads_are_written_by_another(
    started: Lines, handler: Recording
) -> None:
    logger("kiq.settling", handler).info("one")
    errors = logger("kiq.errors", handler)
    on_own_thread(lambda: errors.info("two"))
    assert started.drain(5)
    assert handler.said == [("kiq-log", "one"), ("kiq-log", "two")]


def test_a_line_shows_the_thread_that_said_it(started: Lines) -> None:
    seen: list[Any] = []

    class Seeing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.threadName, record.funcName, getattr(record, "tid", None)))

    logger("kiq.poller", Seeing()).info("x")
    assert started.drain(5)
    ((name, function, tid),) = seen
    assert name == threading.current_thread().name
    assert function == "test_a_line_shows_the_thread_that_said_it"
    assert int(tid, 36) == threading.get_native_id()


@pytest.mark.parametrize("error", [OSError("x"), MemoryError(), SystemExit(3)])
@pytest.mark.parametrize("name", ["kiq.job", "kiq.poller"])
def test_what_a_handler_raises_goes_nowhere_but_to_standard_error(
    started: Lines,
    handler: Recording,
    name: str,
    error: BaseException,
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler.error = error
    ours = logger(name, handler)
    ours.info("lost")
    assert started.drain(5)
    told = f"kiq: a line of the log could not be written: {type(error).__name__}: {error}"
    assert told in capsys.readouterr().err
    handler.error = None
    ours.info("written")
    assert started.drain(5)
    assert [text for _, text in handler.said] == ["written"]


@pytest.mark.parametrize("error", [Shutdown(), TimeLimitExceeded(), Cancelled()])
def test_what_is_raised_in_a_job_on_purpose_passes(
    started: Lines, handler: Recording, error: BaseException
) -> None:
    handler.error = error
    with pytest.raises(type(error)):
        logger("kiq.job", handler).info("x")


def test_a_record_that_can_not_be_made_ends_no_thread(
    started: Lines, handler: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> logging.LogRecord:
        raise SystemExit

    ours = logger("kiq.poller", handler)
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(broken)
    try:
        on_own_thread(lambda: ours.info("lost"))
    finally:
        logging.setLogRecordFactory(before)
    assert started.drain(5)
    assert handler.said == []


def test_a_handler_that_hangs_holds_up_no_other_thread_and_what_is_too_much_is_counted(
    started: Lines, handler: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "_MOST", 5)
    handler.go_on.clear()
    ours = logger("kiq", handler)
    for number in range(20):
        ours.info("%d", number)
    assert not started.drain(0.01)
    handler.go_on.set()
    told = "lines of kiq's log were dropped"
    eventually(lambda: any(told in text for _, text in handler.said))
    assert started.drain(5)
    texts = [text for _, text in handler.said]
    assert texts[0] == "0"
    dropped = sum(int(text.split()[0]) for text in texts if told in text)
    assert dropped == 20 - sum(told not in text for text in texts)


def test_nothing_switches_it_off(handler: Recording) -> None:
    ours = logger("kiq.job", handler)
    ours.disabled = True
    ours.info("said")
    assert [text for _, text in handler.said] == ["said"]
    ours.setLevel(logging.ERROR)
    ours.info("not said")
    assert len(handler.said) == 1


def test_a_forked_child_writes_by_itself(started: Lines, handler: Recording) -> None:
    ours = logger("kiq.poller", handler)
    child = os.fork()
    if child == 0:
        ours.info("in the child")
        os._exit(0 if [text for _, text in handler.said] == ["in the child"] else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_kiqs_loggers_are_adopted_and_no_others() -> None:
    for name in ("kiq.some", "kiqueue", "app.kiq"):
        logging.root.manager.loggerDict.pop(name, None)
        logging.getLogger(name)
    loggers.adopt()
    kinds = {name: type(logging.getLogger(name)) for name in ("kiq.some", "kiqueue", "app.kiq")}
    assert kinds == {"kiq.some": Own, "kiqueue": logging.Logger, "app.kiq": logging.Logger}
    # As they were: other tests of this process use them.
    for logger_ in logging.root.manager.loggerDict.values():
        if type(logger_) is Own:
            logger_.__class__ = logging.Logger
