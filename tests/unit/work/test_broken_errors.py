"""Errors that do harm to whoever looks at them: each is a failure that counts, waits and is told of."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from io import StringIO
from typing import Any, TypeVar

import pytest

from kiq import error_log, log
from kiq.clock import wall
from kiq.codec import Codec, encode
from kiq.config import Config
from kiq.plugin import Host, log_error
from kiq.raised import name_of
from kiq.verdict import Flight, Permit, Taken, ToDead, ToRetry
from kiq.work.executor import Executor
from tests.helpers.bench import Bench, job, raising, retried
from tests.helpers.traps import TRAPS, Sleepy, traps

T = TypeVar("T")
WHERE = {"jid": "j1", "class": "shop.Ship", "queue": "default"}


@pytest.fixture(params=TRAPS)
def error(request: pytest.FixtureRequest) -> BaseException:
    """By its name: what pytest has in hand, it looks at."""
    return TRAPS[request.param]()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def contained(act: Callable[[], T]) -> T:
    """Return what *act* does; what it raises would end pytest, too."""
    try:
        return act()
    except BaseException as escaped:
        raise AssertionError(f"{name_of(escaped)} escaped") from None


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_whatever_an_error_does_when_looked_at_the_job_is_retried_later_and_counted(
    bench: Bench, error: BaseException, codec: Codec
) -> None:
    bench.add(raising(error))
    verdict = contained(lambda: bench.run(codec=codec, backtrace=True))
    assert isinstance(verdict, ToRetry), verdict
    assert verdict.at >= wall() + 14
    record = retried(verdict)
    assert record["retry_count"] == 0
    assert record["failed_at"]
    assert record["error_class"]
    [where] = [where for _, where in bench.reported if "class" in where]
    assert where.pop("fate").startswith("attempt 1 of 26, again in ")
    assert where == {"jid": "j1", "class": "F", "queue": "default", "attempt": 1}


def test_whatever_an_error_does_when_looked_at_its_attempts_come_to_an_end(
    bench: Bench, error: BaseException
) -> None:
    bench.add(raising(error))
    assert isinstance(contained(lambda: bench.run(retry_count=24)), ToDead)
    assert len(bench.deaths) == 1


def test_hooks_of_the_job_may_be_given_any_error(bench: Bench, error: BaseException) -> None:
    spec = bench.add(raising(error))
    given: list[int] = []
    spec.hooks["retry_in"] = lambda count, error, payload: given.append(id(error)) or 1000
    verdict = contained(bench.run)
    assert isinstance(verdict, ToRetry)
    if type(error) is not Sleepy:  # which can't be judged
        assert verdict.at >= wall() + 990


def test_a_snooze_that_does_not_say_how_long_is_a_failure(bench: Bench) -> None:
    bench.add(raising(Sleepy()))
    assert "can't be judged" in retried(bench.run())["error_message"]


def test_hooks_that_raise_such_errors_change_nothing(bench: Bench) -> None:
    for trap in traps():
        spec = bench.add(raising(ValueError("boom")))
        spec.hooks["retry_in"] = raising(trap)
        spec.hooks["retries_exhausted"] = raising(trap)
        assert retried(contained(bench.run))["error_message"] == "boom"
        assert isinstance(contained(lambda: bench.run(retry=0)), ToDead)


def test_handlers_that_raise_such_errors_change_nothing(bench: Bench) -> None:
    for trap in traps():
        bench.host.error_handlers = [raising(trap)]
        bench.host.death_handlers = [raising(trap)]
        bench.add(raising(ValueError("boom")))
        assert retried(contained(bench.run))["error_message"] == "boom"
        assert isinstance(contained(lambda: bench.run(retry=0)), ToDead)


@pytest.mark.parametrize("kind", ["plain", "json", "of the application"])
def test_the_line_of_any_error_names_job_and_class(error: BaseException, kind: str) -> None:
    stream = StringIO()
    handler: logging.Handler = logging.StreamHandler(stream)
    if kind != "of the application":
        handler = log.DroppingHandler(stream)
        handler.setFormatter(log.JsonFormatter() if kind == "json" else log.PlainFormatter())
    logger = logging.getLogger("kiq.errors")
    logger.addHandler(handler)
    dropped = log.DroppingHandler.dropped
    try:
        contained(lambda: log_error(error, WHERE))
    finally:
        logger.removeHandler(handler)
    assert log.DroppingHandler.dropped == dropped
    said = stream.getvalue().replace('": "', "=")
    missing = [word for word in ("jid=j1", "class=shop.Ship", "queue=default") if word not in said]
    assert not missing


def test_the_traceback_of_an_error_that_can_not_be_printed_is_there_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, make in TRAPS.items():
        monkeypatch.setattr(error_log, "_told", error_log.Told())
        if name == "metaclass":
            continue  # Python itself can't raise it
        try:
            raise make()
        except BaseException as caught:
            found = caught
        stream = StringIO()
        handler = logging.StreamHandler(stream)
        logging.getLogger("kiq.errors").addHandler(handler)
        try:
            contained(functools.partial(log_error, found, WHERE))
        finally:
            logging.getLogger("kiq.errors").removeHandler(handler)
        assert "in test_the_traceback_of_an_error" in stream.getvalue()
    assert "Logging error" not in capsys.readouterr().err


@pytest.mark.parametrize("formatter", [log.PlainFormatter, log.JsonFormatter])
def test_a_line_of_the_application_about_any_error_is_written(
    error: BaseException, formatter: type[logging.Formatter]
) -> None:
    stream = StringIO()
    handler = log.DroppingHandler(stream)
    handler.setFormatter(formatter())
    record = logging.LogRecord("shop", logging.ERROR, "shop.py", 1, "charge 7 failed", None, None)
    record.exc_info = (type(error), error, None)
    dropped = log.DroppingHandler.dropped
    contained(lambda: handler.handle(record))
    assert "charge 7 failed" in stream.getvalue()
    assert log.DroppingHandler.dropped == dropped


def test_a_mistake_of_kiqs_own_keeps_the_job_and_counts(bench: Bench) -> None:
    executor = Executor(Config(), bench.host, bench.registry)
    flight = Flight("o", "queue:default", Permit())
    taken = Taken("1.1", flight, encode(job(retry=False), "msgpack"), 0.0)
    record = retried(executor.failures.of_kiq(taken, RuntimeError("of kiq")))
    assert (record["retry_count"], record["error_message"]) == (0, "of kiq")
    broken = Taken("1.2", flight, b"no job at all", 0.0)
    verdict = executor.failures.of_kiq(broken, RuntimeError("of kiq"))
    assert isinstance(verdict, ToRetry)
    assert (verdict.raw, verdict.at > wall() + 50) == (b"no job at all", True)


def test_an_error_handler_is_told_of_any_error(error: BaseException) -> None:
    host, told = Host(), []
    host.on_error(lambda error, where: told.append(where))
    contained(lambda: host.report(error, WHERE))
    assert told == [WHERE]


class Unspeakable:
    """An error handler that fails, and does not say who it is."""

    def __call__(self, *_args: Any) -> None:
        raise traps()[0]

    def __repr__(self) -> str:
        raise SystemExit(1)


def test_a_handler_that_fails_and_can_not_be_named_keeps_the_next_from_nothing() -> None:
    host, told = Host(), []
    host.error_handlers = [Unspeakable(), lambda error, where: told.append(where)]
    host.report(ValueError("boom"), WHERE)
    assert told == [WHERE]


def test_the_name_of_an_error_is_text_that_can_be_written() -> None:
    odd = type("Odd", (Exception,), {"__module__": "m\ud800"})
    assert name_of(odd()) == "m?.Odd"
