"""The executor: every outcome of a run has its verdict, and nothing else comes out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import kiq
from kiq.clock import wall
from kiq.codec import Codec, decode, encode
from kiq.config import Config
from kiq.errors import Cancelled
from kiq.registry import Registry
from kiq.verdict import (
    DONE,
    Dropped,
    Flight,
    Permit,
    Taken,
    ToDead,
    ToQueue,
    ToRetry,
    ToSchedule,
)
from kiq.work.executor import CONVICTED, Executor
from tests.helpers.bench import Bench, job, raising, retried

leaking: ContextVar[str] = ContextVar("leaking", default="clean")


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="kiq.job")
    return caplog


# It ran


def test_a_function_job_that_returns_is_done(bench: Bench) -> None:
    ran: list[Any] = []
    bench.add(lambda *args, **kwargs: ran.append((args, kwargs)))
    assert bench.run(1, "two", kwargs={"three": 3}) is DONE
    assert ran == [((1, "two"), {"three": 3})]
    assert bench.reported == bench.deaths == []


def test_a_class_job_gets_a_fresh_instance_that_knows_its_jid_and_attempt(
    bench: Bench, fresh_registry: Registry
) -> None:
    seen: list[tuple[kiq.Job, str, int, int]] = []

    class Counts(kiq.Job, name="executor.Counts"):
        def perform(self, number: int, *, twice: bool = False) -> None:
            seen.append((self, self.jid, self.attempt, number * (2 if twice else 1)))

    bench.add_class(Counts)
    assert bench.run(4) is DONE
    assert bench.run(4, retry_count=0, kwargs={"twice": True}) is DONE
    assert [entry[1:] for entry in seen] == [("j1", 1, 4), ("j1", 2, 8)]
    assert seen[0][0] is not seen[1][0]


def test_what_a_job_returns_is_nobodys_business(bench: Bench) -> None:
    bench.add(lambda: 42)
    assert bench.run() is DONE


def test_a_job_can_ask_what_runs(bench: Bench) -> None:
    found: list[Any] = []
    bench.add(lambda: found.append(kiq.current_job()))
    bench.run(bid="b1")
    [current] = found
    assert (current.jid, current.queue, current.payload["bid"]) == ("j1", "default", "b1")
    assert kiq.current_job() is None


def test_context_variables_do_not_leak_from_job_to_job_or_into_the_thread(bench: Bench) -> None:
    seen = []

    def perform() -> None:
        seen.append(leaking.get())
        leaking.set("spilt")

    bench.add(perform)
    bench.run()
    bench.run()
    assert seen == ["clean", "clean"]
    assert leaking.get() == "clean"


def test_a_job_without_a_jid_gets_one_and_keeps_it_in_its_retry(bench: Bench) -> None:
    seen: list[str] = []

    def perform() -> None:
        current = kiq.current_job()
        assert current is not None
        seen.append(current.jid)
        raise ValueError

    bench.add(perform)
    payload = job()
    del payload["jid"], payload["queue"]
    record = retried(bench.execute(encode(payload, "json")))
    assert len(seen[0]) == 24
    assert record["jid"] == seen[0]
    assert record["queue"] == "default"


def test_a_run_is_logged_with_the_attributes_that_the_configuration_names(
    bench: Bench, heard: pytest.LogCaptureFixture
) -> None:
    bench.add(lambda: None)
    bench.run(tags=["a"])
    assert [record.message for record in heard.records] == ["start", "done"]
    assert heard.records[1].kiq_fields["tags"] == ["a"]  # type: ignore[attr-defined]
    assert heard.records[1].kiq_fields["elapsed"] >= 0  # type: ignore[attr-defined]


def test_a_run_that_fails_is_logged_as_such(bench: Bench, heard: pytest.LogCaptureFixture) -> None:
    bench.add(raising(ValueError))
    bench.run()
    assert [record.message for record in heard.records] == ["start", "fail"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (kiq.Snooze(90), "snooze, again in 1 min 30 s"),
        (kiq.Snooze(7200), "snooze, again in 2 h"),
        (kiq.Retry(), "retry, as it asked"),
        (kiq.Kill(), "kill, as it asked"),
        (kiq.Discard(), "discard, as it asked"),
        (kiq.Shutdown(), "interrupted"),
        (Cancelled(), "cancelled"),
        (ExceptionGroup("both", [kiq.Snooze(5), kiq.Snooze(60)]), "snooze, again in 1 min"),
        (ExceptionGroup("mixed", [kiq.Snooze(5), ValueError()]), "fail"),
    ],
    ids=repr,
)
def test_what_a_job_asks_for_is_no_failure(
    bench: Bench, heard: pytest.LogCaptureFixture, error: BaseException, said: str
) -> None:
    bench.add(raising(error))
    bench.run()
    told = [record.message for record in heard.records if hasattr(record, "kiq_fields")]
    assert told[:2] == ["start", said]


def test_the_lines_about_runs_can_be_turned_off(
    bench: Bench, heard: pytest.LogCaptureFixture
) -> None:
    bench.add(lambda: None)
    assert bench.execute(encode(job(), "json"), skip_default_job_logging=True) is DONE
    assert heard.records == []


# Middleware


def test_a_middleware_that_does_not_call_on_drops_the_job_without_failure(bench: Bench) -> None:
    ran: list[int] = []
    bench.add(lambda: ran.append(1))
    bench.host.around_perform(lambda context, call_next: None)
    assert bench.run() == Dropped("a server middleware did not run it")
    assert ran == bench.deaths == bench.reported == []


def before(context: Any, call_next: Any) -> Any:
    raise ValueError("before")


def after(context: Any, call_next: Any) -> Any:
    call_next(context)
    raise ValueError("after")


@pytest.mark.parametrize("layer", [before, after])
def test_a_middleware_that_raises_fails_the_job(bench: Bench, layer: Any) -> None:
    bench.add(lambda: None)
    bench.host.around_perform(layer)
    assert retried(bench.run())["error_message"] == layer.__name__


def test_a_middleware_that_swallows_the_error_makes_the_job_done(bench: Bench) -> None:
    def forgiving(context: Any, call_next: Any) -> None:
        with pytest.raises(ValueError):
            call_next(context)

    bench.add(raising(ValueError))
    bench.host.around_perform(forgiving)
    assert bench.run() is DONE


def test_what_middleware_changes_is_seen_by_the_job_and_not_by_its_retry(bench: Bench) -> None:
    seen: list[Any] = []

    def changes(context: kiq.ServerContext, call_next: Any) -> Any:
        context.payload["args"] = ["changed"]
        context.payload["extra"] = object()
        return call_next(context)

    def perform(argument: str) -> None:
        seen.append(argument)
        raise ValueError

    bench.add(perform)
    bench.host.around_perform(changes)
    record = retried(bench.run("original"))
    assert seen == ["changed"]
    assert record["args"] == ["original"]
    assert "extra" not in record


def test_a_middleware_that_takes_the_jid_away_costs_nothing_but_the_jid(bench: Bench) -> None:
    def robs(context: kiq.ServerContext, call_next: Any) -> Any:
        del context.payload["jid"]
        return call_next(context)

    bench.add(raising(ValueError("boom")))
    bench.host.around_perform(robs)
    assert retried(bench.run())["jid"] == "j1"


# What never runs


@pytest.mark.parametrize("raw", [b"", b"{not json", b"\xff\xfe", b"[]", b'{"class":"F"}', b"\x80"])
def test_bytes_that_are_no_job_go_to_the_dead_set_as_they_are(bench: Bench, raw: bytes) -> None:
    verdict = bench.execute(raw)
    assert isinstance(verdict, ToDead)
    assert verdict.raw == raw
    assert verdict.reason
    assert not verdict.ran
    assert abs(verdict.at - wall()) < 5
    assert [type(error) for error in bench.errors] == [kiq.UndecodablePayload]


def test_an_unknown_class_gets_the_normal_retries(bench: Bench) -> None:
    record = retried(bench.run())
    assert record["error_class"] == "kiq.errors.UnknownJobClass"
    assert "require:" in record["error_message"]
    assert record["retry_count"] == 0


def test_an_unknown_class_dies_when_its_retries_are_used_up(bench: Bench) -> None:
    assert isinstance(bench.run(retry_count=24), ToDead)
    assert len(bench.deaths) == 1


@pytest.mark.parametrize("args", [[], [1, 2]])
def test_arguments_that_do_not_fit_get_the_normal_retries(bench: Bench, args: list[Any]) -> None:
    bench.add(lambda one: None)
    assert retried(bench.run(*args))["error_class"] == "TypeError"


def test_keyword_arguments_that_are_no_mapping_get_the_normal_retries(bench: Bench) -> None:
    bench.add(lambda **kwargs: None)
    assert retried(bench.run(kwargs=5))["error_class"] == "TypeError"


def test_a_class_that_can_not_be_made_gets_the_normal_retries(
    bench: Bench, fresh_registry: Registry
) -> None:
    class Fragile(kiq.Job, name="executor.Fragile"):
        def __init__(self) -> None:
            raise OSError("no room")

        def perform(self) -> None: ...

    bench.add_class(Fragile)
    assert retried(bench.run())["error_class"] == "OSError"


# What a job raises to choose its fate


def test_retry_puts_it_into_the_retry_set(bench: Bench) -> None:
    bench.add(raising(kiq.Retry(60)))
    verdict = bench.run()
    assert isinstance(verdict, ToRetry)
    assert abs(verdict.at - wall() - 60) < 5
    assert bench.reported == []


def test_snooze_puts_it_into_the_schedule_uncounted(bench: Bench) -> None:
    bench.add(raising(kiq.Snooze(60)))
    verdict = bench.run(enqueued_at=5)
    assert isinstance(verdict, ToSchedule)
    assert abs(verdict.at - wall() - 60) < 5
    assert decode(verdict.raw)[0] == job()
    assert bench.reported == bench.deaths == []


def test_kill_puts_it_into_the_dead_set(bench: Bench) -> None:
    bench.add(raising(kiq.Kill("bad address")))
    verdict = bench.run()
    assert isinstance(verdict, ToDead)
    assert decode(verdict.raw)[0]["error_message"] == "bad address"
    assert verdict.ran
    assert len(bench.deaths) == 1
    assert bench.reported == []


def test_discard_drops_it(bench: Bench) -> None:
    bench.add(raising(kiq.Discard()))
    assert bench.run() == Dropped("the job asked to be discarded", failed=True)
    [(payload, error)] = bench.deaths
    assert isinstance(error, kiq.Discard)
    assert payload["discarded_at"] > 0
    assert bench.reported == []


# Errors of all kinds


def recurse() -> None:
    recurse()


@pytest.mark.parametrize(
    ("perform", "kind"),
    [
        (raising(ValueError), "ValueError"),
        (raising(MemoryError), "MemoryError"),
        (raising(KeyboardInterrupt), "KeyboardInterrupt"),
        (raising(GeneratorExit), "GeneratorExit"),
        (raising(BaseExceptionGroup("g", [SystemExit()])), "BaseExceptionGroup"),
        (lambda: sys.exit("leaving"), "SystemExit"),
        (recurse, "RecursionError"),
    ],
)
def test_whatever_a_job_raises_it_is_retried(
    bench: Bench, perform: Callable[..., Any], kind: str
) -> None:
    bench.add(perform)
    assert retried(bench.run())["error_class"] == kind
    [(error, where)] = bench.reported
    assert type(error).__name__ == kind
    assert where["jid"] == "j1"
    assert bench.deaths == []


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("codec", ["msgpack", "json"])
@pytest.mark.parametrize("error", [Mute(), ValueError("x\ud800"), ValueError("é" * 50_000)])
def test_an_awkward_message_still_makes_a_retry(
    bench: Bench, error: Exception, codec: Codec
) -> None:
    bench.add(raising(error))
    assert len(retried(bench.run(codec=codec))["error_message"]) <= 10_000


def test_an_error_with_a_backtrace_carries_the_line_that_raised(bench: Bench) -> None:
    bench.add(raising(ValueError()))
    assert "error_backtrace" in retried(bench.run(backtrace=True))


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_a_retry_is_written_in_the_codec_in_which_the_job_came(bench: Bench, codec: Codec) -> None:
    bench.add(raising(ValueError))
    verdict = bench.run("é", codec=codec, extra={"b": 1})
    assert isinstance(verdict, ToRetry)
    record, found = decode(verdict.raw)
    assert found == codec
    assert record["args"] == ["é"]
    assert record["extra"] == {"b": 1}


def test_arguments_that_the_job_changed_are_retried_as_they_came(bench: Bench) -> None:
    def perform(numbers: list[int]) -> None:
        numbers.clear()
        raise ValueError

    bench.add(perform)
    assert retried(bench.run([1, 2]))["args"] == [[1, 2]]


def wrapped_shutdown() -> None:
    try:
        raise kiq.Shutdown
    except kiq.Shutdown as error:
        raise OSError("connection lost") from error


@pytest.mark.parametrize("perform", [raising(kiq.Shutdown), wrapped_shutdown])
def test_a_job_that_the_shutdown_interrupted_goes_back_to_its_queue(
    bench: Bench, perform: Callable[..., Any]
) -> None:
    bench.add(perform)
    assert bench.run(retry=False) == ToQueue()
    assert bench.reported == bench.deaths == []


# Deaths


@pytest.mark.parametrize(
    "fields", [{"retry": 0}, {"retry_count": 24}, {"retry": False}, {"retry": 0, "dead": False}]
)
def test_death_handlers_hear_of_every_job_that_is_given_up(
    bench: Bench, fields: dict[str, Any]
) -> None:
    error = ValueError("boom")
    bench.add(raising(error))
    verdict = bench.run(**fields)
    assert isinstance(verdict, ToDead | Dropped)
    assert bench.deaths[0][1] is error
    assert bench.deaths[0][0]["jid"] == "j1"
    dies = fields.get("retry") is not False and fields.get("dead") is not False
    assert isinstance(verdict, ToDead) is dies


def test_a_drop_counts_as_a_failure(bench: Bench) -> None:
    bench.add(raising(ValueError))
    assert bench.run(retry=False) == Dropped("its options say retry=False", failed=True)


def test_death_handlers_do_not_hear_of_a_job_that_goes_on(bench: Bench) -> None:
    bench.add(raising(ValueError))
    bench.run()
    bench.add(lambda: None, "G")
    bench.execute(encode(job() | {"class": "G"}, "json"))
    assert bench.deaths == []


def test_each_death_handler_is_called_even_when_one_raises(bench: Bench) -> None:
    told: list[int] = []
    broken = RuntimeError("broken handler")
    bench.host.on_death(raising(broken))
    bench.host.on_death(lambda payload, error: told.append(1))
    bench.add(raising(ValueError))
    assert isinstance(bench.run(retry=0), ToDead)
    assert told == [1]
    assert broken in bench.errors


def test_an_error_handler_that_raises_is_logged_and_the_next_still_hears(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.host.error_handlers.insert(0, raising(RuntimeError("broken handler")))
    bench.add(raising(ValueError))
    retried(bench.run())
    assert [type(error) for error in bench.errors] == [ValueError]
    assert "an error handler failed" in caplog.text


#: Known: telling handlers and the log stands before the verdict; what it raises beats the verdict.


def leave(*_args: Any) -> None:
    raise SystemExit(1)


def test_a_death_handler_that_exits_does_not_take_the_verdict_with_it(bench: Bench) -> None:
    bench.host.on_death(leave)
    bench.add(raising(ValueError))
    assert isinstance(bench.run(retry=0), ToDead)


def test_an_error_handler_that_exits_does_not_take_the_verdict_with_it(bench: Bench) -> None:
    bench.host.on_error(leave)
    bench.add(raising(ValueError))
    assert isinstance(bench.run(), ToRetry)


class Faulty(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("the log is broken")


@pytest.fixture
def broken_log(heard: pytest.LogCaptureFixture) -> Iterator[None]:
    fault = Faulty()
    logging.getLogger("kiq.job").addFilter(fault)
    yield
    logging.getLogger("kiq.job").removeFilter(fault)


def test_a_job_that_ran_is_done_though_the_log_is_broken(bench: Bench, broken_log: None) -> None:
    ran: list[int] = []
    bench.add(lambda: ran.append(1))
    assert bench.run() is DONE
    assert ran == [1]


def test_a_job_that_is_given_up_stays_so_though_the_log_is_broken(
    bench: Bench, broken_log: None
) -> None:
    bench.add(raising(ValueError))
    assert isinstance(bench.run(retry=0), ToDead)


# The job's own hooks


def test_the_hooks_of_a_class_are_methods_of_a_fresh_instance(
    bench: Bench, fresh_registry: Registry
) -> None:
    class Careful(kiq.Job, name="executor.Careful"):
        patience = 300

        def perform(self) -> None:
            raise ValueError

        def retry_in(self, count: int, error: BaseException, payload: dict[str, Any]) -> int:
            return self.patience + count

    bench.add_class(Careful)
    verdict = bench.run()
    assert isinstance(verdict, ToRetry)
    assert 300 <= verdict.at - wall() + 5 < 320


def test_the_hooks_of_a_function_job_are_functions(bench: Bench) -> None:
    bench.add(raising(ValueError))
    spec = bench.registry.get("F")
    spec.hooks["retries_exhausted"] = lambda payload, error: kiq.Discard
    assert isinstance(bench.run(retry=0), Dropped)


@pytest.mark.parametrize("hook", ["retry_in", "retries_exhausted"])
def test_a_hook_that_raises_is_reported_with_the_jobs_own_error(bench: Bench, hook: str) -> None:
    error, broken = ValueError("boom"), RuntimeError("broken hook")
    bench.add(raising(error))
    bench.registry.get("F").hooks[hook] = raising(broken)
    verdict = bench.run(retry=1 if hook == "retry_in" else 0)
    assert isinstance(verdict, ToRetry if hook == "retry_in" else ToDead)
    assert set(bench.errors) == {error, broken}


def test_a_hook_that_spoils_the_payload_does_not_lose_the_job(bench: Bench) -> None:
    def spoils(count: int, error: BaseException, payload: dict[str, Any]) -> None:
        payload["oops"] = object()

    bench.add(raising(ValueError))
    bench.registry.get("F").hooks["retry_in"] = spoils
    assert retried(bench.run(1))["args"] == [1]
    assert any(isinstance(error, kiq.ArgumentError) for error in bench.errors)


def test_a_death_handler_that_spoils_the_payload_does_not_lose_the_job(bench: Bench) -> None:
    bench.host.on_death(lambda payload, error: payload.update(oops=object()))
    bench.add(raising(ValueError))
    verdict = bench.run(1, retry=0)
    assert isinstance(verdict, ToDead | ToRetry)
    assert decode(verdict.raw)[0]["args"] == [1]


# Suspects


def test_a_convicted_suspect_dies_without_a_fourth_run(bench: Bench) -> None:
    ran: list[int] = []
    bench.add(lambda: ran.append(1))
    verdict = bench.execute(encode(job(), "json"), suspicion=CONVICTED)
    assert isinstance(verdict, ToDead)
    record, codec = decode(verdict.raw)
    assert codec == "json"
    assert record["error_class"] == "kiq.PoisonPill"
    assert record["failed_at"] > 0
    assert ran == []
    assert len(bench.deaths) == 1


def test_a_convicted_suspect_with_dead_false_is_dropped(bench: Bench) -> None:
    bench.add(lambda: None)
    verdict = bench.execute(encode(job(dead=False), "msgpack"), suspicion=CONVICTED)
    assert isinstance(verdict, Dropped)
    assert verdict.failed
    assert len(bench.deaths) == 1


@pytest.mark.parametrize("spoil", [leave, lambda payload, error: payload.update(oops=object())])
def test_a_convicted_suspect_dies_whatever_death_handlers_do(bench: Bench, spoil: Any) -> None:
    bench.host.on_death(spoil)
    verdict = bench.execute(encode(job(), "msgpack"), suspicion=CONVICTED)
    assert isinstance(verdict, ToDead)


@pytest.mark.parametrize("suspicion", range(1, CONVICTED))
def test_a_suspect_that_is_not_convicted_runs(bench: Bench, suspicion: int) -> None:
    bench.add(lambda: None)
    assert bench.execute(encode(job(), "msgpack"), suspicion=suspicion) is DONE


def test_one_executor_serves_many_jobs_in_a_row(bench: Bench) -> None:
    executor = Executor(Config(), bench.host, bench.registry)
    bench.add(lambda n: 1 // n)
    flight = Flight("o", "queue:default", Permit())
    verdicts = [
        executor(Taken(f"1.{n}", flight, encode(job(n % 2), "msgpack"), 0.0)) for n in range(6)
    ]
    assert [verdict is DONE for verdict in verdicts] == [False, True] * 3


# Told to end


def test_a_cancelled_job_does_not_start(bench: Bench) -> None:
    ran: list[int] = []
    bench.add(lambda: ran.append(1))
    bench.worker.cancelled["j1"] = 1.0
    verdict = bench.run()
    assert isinstance(verdict, Dropped)
    assert (verdict.reason, verdict.failed, ran) == ("it was cancelled", False, [])


def test_a_job_sees_that_it_is_to_end(bench: Bench) -> None:
    seen: list[bool] = []

    def perform() -> None:
        current = kiq.current_job()
        assert current is not None
        seen.append(current.interrupted)
        bench.worker.cancelled["j1"] = 1.0
        seen.append(current.interrupted)
        bench.worker.cancelled.clear()
        bench.worker.stopping.set()
        seen.append(current.interrupted)

    bench.add(perform)
    assert bench.run() is DONE
    assert seen == [False, True, True]
    assert not Told().interrupted, "outside a run nobody is told anything"


class Told(kiq.Job, name="executor.Told"):
    def perform(self) -> None:
        """Do nothing."""
