"""Time limits on this thread: by ``perform_inline``, with a watchdog beside it."""

from __future__ import annotations

import hashlib
import logging
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import kiq
from kiq import raising, worker_state
from kiq.clock import steady
from kiq.config import Config
from kiq.plugins.declared import TimeLimitSettings
from kiq.plugins.interrupting.crew import Crew, crew_of
from kiq.plugins.interrupting.elsewhere import Elsewhere
from kiq.plugins.time_limits import TimeLimits
from kiq.registry import Registry
from kiq.work.attached import Attached
from kiq.work.retry import message_of, name_of
from kiq.work.worker import Worker
from tests.helpers.untraced import untraced
from tests.helpers.waiting import eventually

FOREVER = 20.0  # seconds; no test waits so long


def spin(seconds: float = FOREVER) -> str:
    """Run Python code."""
    until = steady() + seconds
    while steady() < until:
        sum(range(100))
    return "done"


@pytest.fixture(autouse=True)
def crew(fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[Crew]:
    """``kiq.host`` with the plugin, and a watchdog that gives a tenth of a second of grace."""
    nobody: Any = None
    config = Config(features=(TimeLimitSettings(time_limit_grace=0.1),))
    worker = Worker(config, fresh_host, fresh_registry, nobody, "0")
    crew = crew_of(Attached(worker, [], print))
    fresh_host.install(TimeLimits())
    worker_state.begin(worker.state)
    with untraced():
        crew.watchdog.start()
        yield crew
        crew.watchdog.stop()
    worker_state.end(worker.state)


def test_a_job_over_its_limit_gets_an_exception_that_says_so() -> None:
    class Long(kiq.Job, time_limit=0.02):
        def perform(self) -> None:
            spin()

    began = steady()
    with pytest.raises(kiq.TimeLimitExceeded) as caught:
        Long.perform_inline()
    assert 0.02 <= steady() - began < FOREVER / 2
    assert message_of(caught.value) == "the job ran longer than its time limit of 0.02 s"
    assert name_of(caught.value) == "kiq.errors.TimeLimitExceeded"
    assert not isinstance(caught.value, Exception), "`except Exception` must not swallow it"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


def test_a_job_within_its_limit_returns_its_result_and_is_forgotten(crew: Crew) -> None:
    class Short(kiq.Job, time_limit=60):
        def perform(self) -> str:
            return spin(0.001)

    assert [Short.perform_inline() for _ in range(50)] == ["done"] * 50
    assert len(crew.watchdog) == 0


def test_the_limit_of_one_push_replaces_that_of_the_class() -> None:
    class Long(kiq.Job, time_limit=60):
        def perform(self) -> None:
            spin()

    with pytest.raises(kiq.TimeLimitExceeded):
        Long.set(time_limit=0.02).perform_inline()


def test_function_jobs_have_limits_too() -> None:
    @kiq.job(time_limit=0.02)
    def long() -> None:
        spin()

    with pytest.raises(kiq.TimeLimitExceeded):
        long.perform_inline()


def test_what_the_job_raises_by_itself_is_what_comes_out(crew: Crew) -> None:
    class Broken(kiq.Job, time_limit=60):
        def perform(self) -> None:
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        Broken.perform_inline()
    assert len(crew.watchdog) == 0


def test_a_job_may_clean_up() -> None:
    notes: list[str] = []

    class Tidy(kiq.Job, time_limit=0.02):
        def perform(self) -> None:
            try:
                spin()
            except kiq.TimeLimitExceeded:
                spin(0.02)
                notes.append("tidy")
                raise
            finally:
                notes.append("finally")

    with pytest.raises(kiq.TimeLimitExceeded):
        Tidy.perform_inline()
    assert notes == ["tidy", "finally"]


def test_it_is_raised_once_also_in_a_job_that_swallows_it() -> None:
    caught: list[int] = []

    class Stubborn(kiq.Job, time_limit=0.01):
        def perform(self) -> str:
            for _ in range(3):
                try:
                    spin(0.05)
                except:  # noqa: E722
                    caught.append(1)
            return "done after all"

    assert Stubborn.perform_inline() == "done after all"
    assert caught == [1]


def test_an_inner_job_has_its_own_limit_and_the_outer_goes_on(crew: Crew) -> None:
    class Inner(kiq.Job, time_limit=0.02):
        def perform(self) -> None:
            spin()

    class Outer(kiq.Job, time_limit=60):
        def perform(self) -> str:
            try:
                Inner.perform_inline()
            except kiq.TimeLimitExceeded as error:
                return f"inner: {error}"
            return "no"

    assert "0.02 s" in Outer.perform_inline()
    assert len(crew.watchdog) == 0


def test_the_outer_limit_ends_the_inner_job_too(crew: Crew) -> None:
    class Inner(kiq.Job, time_limit=60):
        def perform(self) -> None:
            spin()

    class Outer(kiq.Job, time_limit=0.02):
        def perform(self) -> None:
            Inner.perform_inline()

    with pytest.raises(kiq.TimeLimitExceeded, match=r"0\.02 s"):
        Outer.perform_inline()
    assert len(crew.watchdog) == 0


def test_equal_limits_of_an_inner_and_an_outer_job_end_both() -> None:
    class Inner(kiq.Job, time_limit=0.02):
        def perform(self) -> None:
            spin()

    class Outer(kiq.Job, time_limit=0.02):
        def perform(self) -> None:
            Inner.perform_inline()

    for _ in range(20):
        with pytest.raises(kiq.TimeLimitExceeded):
            Outer.perform_inline()
    spin(0.03)  # nothing comes late


def test_c_code_runs_to_its_end_and_the_exception_comes_then() -> None:
    class Hashes(kiq.Job, time_limit=0.02):
        def perform(self) -> None:
            hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 600_000)
            notes.append("not reached")

    notes: list[str] = []
    with pytest.raises(kiq.TimeLimitExceeded):
        Hashes.perform_inline()
    assert notes == []


def test_a_job_that_does_not_come_back_is_logged_with_its_stack(
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = threading.Event()

    class Stuck(kiq.Job, time_limit=0.01):
        def perform(self) -> None:
            self.stands_here()

        def stands_here(self) -> None:
            held.wait(FOREVER)

    def said() -> bool:
        return "stands_here" in caplog.text

    threading.Thread(target=lambda: eventually(said, FOREVER) and held.set()).start()
    with pytest.raises(kiq.TimeLimitExceeded):
        Stuck.perform_inline()
    assert "did not end within 0.1 s after it was told to" in caplog.text


def test_where_threads_are_traced_the_log_says_that_it_cannot_be_interrupted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(raising, "possible", lambda: False)

    class Long(kiq.Job, time_limit=0.01):
        def perform(self) -> str:
            eventually(lambda: "can't be interrupted" in caplog.text)
            return "done"

    assert Long.perform_inline() == "done"


def test_a_run_elsewhere_is_interrupted_by_its_own_callable() -> None:
    told: list[type[BaseException]] = []

    class Coroutine(kiq.Job, time_limit=0.01):
        def perform(self) -> str:
            eventually(lambda: told)
            return "done"

    with Elsewhere().running("j1", told.append):
        assert Coroutine.perform_inline() == "done"
    assert issubclass(told[0], kiq.TimeLimitExceeded)


@pytest.mark.parametrize("value", ["10", True, 0, -1, float("nan"), float("inf"), 1e300, [], {}])
def test_a_limit_that_is_none_is_said_and_the_job_runs_without(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "kiq.time_limits")
    plugin = kiq.host.plugins["time_limits"]
    assert isinstance(plugin, TimeLimits)
    context = kiq.ServerContext({"class": "X", "jid": "j", "time_limit": value}, "q", None, None)
    assert plugin(context, lambda _context: "ran") == "ran"
    assert "without a time limit" in caplog.text


def test_without_a_worker_there_is_no_limit() -> None:
    context = kiq.ServerContext({"class": "X", "jid": "j", "time_limit": 1}, "q", None, None)
    assert TimeLimits()(context, lambda _context: "ran") == "ran"


def test_a_run_that_is_over_is_not_interrupted_any_more(crew: Crew) -> None:
    runs: list[Any] = []

    class Short(kiq.Job, time_limit=60):
        def perform(self) -> None:
            runs.extend(crew.watchdog._due)

    Short.perform_inline()
    (run,) = runs
    assert run._ring() is None, "the alarm may have been under way"
    assert not run.span.interrupt(kiq.TimeLimitExceeded)


def test_a_job_that_ends_while_it_is_looked_at_is_not_stuck(
    crew: Crew, caplog: pytest.LogCaptureFixture
) -> None:
    crew.stuck(threading.get_ident(), "the job", lambda: False)
    assert caplog.text == ""
