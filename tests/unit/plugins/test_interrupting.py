"""Exceptions that are raised in other threads: they arrive inside a span, or never."""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kiq
from kiq import interruption, raising
from kiq.clock import steady
from kiq.good_moment import FOR_KIQ, FOR_LOCKS, on_its_way, patience_with
from kiq.kept import stack_of
from kiq.plugins.interrupting.elsewhere import Elsewhere, here
from kiq.plugins.interrupting.span import Span
from kiq.plugins.interrupting.watchdog import Watchdog
from kiq.work.outage import Outage
from tests.helpers.untraced import restless
from tests.helpers.waiting import eventually

TIMES = 400


@pytest.fixture(autouse=True)
def not_traced() -> Iterator[None]:
    with restless():
        yield


class Victim(threading.Thread):
    """Runs *body* so many times, each in a span of its own; counts what arrives, and where."""

    def __init__(self, body: Callable[[], object], times: int = TIMES) -> None:
        super().__init__(daemon=True)
        self._body = body
        self._times = times
        self.span: Span | None = None
        self.inside = self.late = self.swallowed = 0
        self.strays: list[BaseException] = []
        self.over = 0

    def run(self) -> None:
        for _ in range(self._times):
            try:
                self._one()
                sum(range(50))  # what comes between two jobs
            except BaseException as stray:
                self.strays.append(stray)
            self.over += 1

    def _one(self) -> None:
        span = Span()
        arrived = False
        try:
            self.span = span
            self._body()
        except kiq.TimeLimitExceeded:
            arrived = True
        finally:
            span.open = False
            try:
                span.close()
            except kiq.TimeLimitExceeded:
                self.late += 1
                span.close()
        self.inside += arrived


def test_what_is_raised_at_the_very_end_of_a_span_never_leaves_it() -> None:
    told = [False]  # no Event: what is raised inside of one may leave it locked

    def body() -> None:
        while not told[0]:
            pass
        told[0] = False

    victim = Victim(body)
    victim.start()
    hit = 0
    seen: Span | None = None
    while victim.is_alive():
        span = victim.span
        if span is None or span is seen:
            threading.Event().wait(0.00001)  # lets the victim go on
            continue
        seen = span
        told[0] = True
        sum(range(hit % 40))  # now earlier, now later
        hit += span.interrupt(kiq.TimeLimitExceeded)
        while victim.is_alive() and victim.span is seen:
            told[0] = True
    victim.join()
    assert victim.over == TIMES
    assert victim.strays == []
    assert hit > TIMES / 20, "the test must hit spans"
    assert victim.inside + victim.late > 0


def test_a_span_waits_for_who_is_just_deciding(monkeypatch: pytest.MonkeyPatch) -> None:
    deciding = threading.Event()
    send = raising.send

    def slowly(ident: int | None, error: type[BaseException]) -> bool:
        deciding.set()
        threading.Event().wait(0.05)  # long enough for the span to end, if nothing keeps it
        assert not victim.over, "the span ended meanwhile"
        return send(ident, error)

    monkeypatch.setattr(raising, "send", slowly)
    victim = Victim(deciding.wait, times=1)
    victim.start()
    eventually(lambda: victim.span)
    assert victim.span is not None
    assert victim.span.interrupt(kiq.TimeLimitExceeded)
    victim.join()
    assert victim.strays == []
    assert victim.inside + victim.late <= 1


def test_what_is_raised_arrives_if_the_span_goes_on() -> None:
    def body() -> None:
        while True:
            sum(range(100))

    victim = Victim(body, times=200)
    victim.start()
    while victim.is_alive():
        span = victim.span
        if span is not None and span.open:
            span.interrupt(kiq.TimeLimitExceeded)
    victim.join()
    assert (victim.inside, victim.strays) == (200, [])


def test_a_span_is_struck_once() -> None:
    caught: list[int] = []
    go_on: list[bool] = []
    spans: list[Span] = []

    def run() -> None:
        span = Span()
        spans.append(span)
        try:
            while True:
                sum(range(100))
        except kiq.TimeLimitExceeded:
            caught.append(1)
        try:
            while not go_on:
                sum(range(100))
        except kiq.TimeLimitExceeded:
            caught.append(2)
        finally:
            span.open = False
            span.close()

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: spans)
    first = spans[0].interrupt(kiq.TimeLimitExceeded)
    again = [spans[0].interrupt(kiq.TimeLimitExceeded) for _ in range(3)]
    go_on.append(True)
    thread.join()
    assert (first, again) == (True, [False] * 3)
    assert caught == [1]
    assert not spans[0].interrupt(kiq.TimeLimitExceeded), "it has ended"


def test_nothing_can_be_raised_while_threads_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "gettrace", lambda: print)
    monkeypatch.setattr(raising, "_TRACED_THREADS_SPIN", True)
    assert not raising.possible()
    assert not raising.send(threading.get_ident(), kiq.TimeLimitExceeded)
    assert not Span().interrupt(kiq.TimeLimitExceeded)


def test_absorbing_ends_when_nothing_is_under_way() -> None:
    for _ in range(100):
        raising.absorb()


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    problems: list[BaseException] = []
    dog = Watchdog(lambda error, _where: problems.append(error))
    dog.problems = problems  # type: ignore[attr-defined]
    dog.start()
    yield dog
    dog.stop()


def test_an_alarm_is_called_when_it_is_due_and_not_before(watchdog: Watchdog) -> None:
    called: list[float] = []
    due = steady() + 0.05

    def alarm() -> None:
        called.append(steady())

    watchdog.watch("a", due, alarm)
    eventually(lambda: called)
    assert called[0] >= due
    assert len(watchdog) == 0


def test_the_earliest_alarm_comes_first_whenever_it_was_set(watchdog: Watchdog) -> None:
    order: list[str] = []
    now = steady()
    watchdog.watch("far", now + 3600, lambda: order.append("far"))
    watchdog.watch("late", now + 0.1, lambda: order.append("late"))
    watchdog.watch("soon", now + 0.02, lambda: order.append("soon"))
    eventually(lambda: len(order) == 2)
    assert order == ["soon", "late"]
    assert len(watchdog) == 1


def test_what_is_forgotten_is_not_called(watchdog: Watchdog) -> None:
    called: list[int] = []
    watchdog.watch("a", steady() + 0.03, lambda: called.append(1))
    watchdog.forget("a")
    watchdog.watch("b", steady() + 0.06, lambda: called.append(2))
    eventually(lambda: called)
    assert called == [2]


def test_an_alarm_says_when_to_be_called_again(watchdog: Watchdog) -> None:
    counts = itertools.count(1)
    called: list[int] = []

    def alarm() -> float | None:
        called.append(next(counts))
        return steady() + 0.005 if len(called) < 3 else None

    watchdog.watch("a", steady(), alarm)
    eventually(lambda: len(watchdog) == 0)
    assert called == [1, 2, 3]


def test_an_alarm_that_fails_is_reported_and_the_others_are_called(watchdog: Watchdog) -> None:
    called: list[int] = []
    watchdog.watch("bad", steady(), lambda: 1 / 0)
    eventually(lambda: watchdog.problems)  # type: ignore[attr-defined]
    watchdog.watch("good", steady(), lambda: called.append(1))
    eventually(lambda: called)
    assert len(watchdog) == 0


def test_the_watchdog_sleeps_while_jobs_end_before_their_time(watchdog: Watchdog) -> None:
    wakes: list[float] = []
    whole = watchdog._call_what_is_due

    def counted() -> float:
        wakes.append(steady())
        return whole()

    watchdog._call_what_is_due = counted  # type: ignore[method-assign]
    for key in range(5_000):
        watchdog.watch(key, steady() + 60, lambda: None)
        watchdog.forget(key)
    eventually(lambda: wakes)
    assert len(wakes) < 500, "not one for each job"
    assert len(watchdog) == 0


def test_a_deadline_may_be_as_far_as_a_number_goes(watchdog: Watchdog) -> None:
    called: list[int] = []
    watchdog.watch("far", steady() + 1e9, lambda: None)
    watchdog.watch("never", math.inf, lambda: None)
    watchdog.watch("soon", steady() + 0.01, lambda: called.append(1))
    eventually(lambda: called)


def test_a_thread_outside_of_a_job_is_not_in_user_code() -> None:
    assert patience_with(threading.get_ident()) == FOR_KIQ
    assert patience_with(1) == FOR_KIQ


def _moments(body: Callable[[], Any]) -> set[float]:
    """The patience that another thread has with one that runs *body* as an inline job."""
    seen: set[float] = set()
    ident = threading.get_ident()
    looking, enough = threading.Event(), threading.Event()

    def look() -> None:
        looking.wait()
        while not enough.is_set():
            seen.add(patience_with(ident))
            time_out = threading.Event()
            time_out.wait(0.0005)

    thread = threading.Thread(target=look)
    thread.start()

    class Held(kiq.Job, name="Held"):
        def perform(self) -> None:
            looking.set()
            until = steady() + 0.05
            while steady() < until:
                body()
            enough.set()

    Held.perform_inline()
    thread.join()
    return seen


@pytest.mark.usefixtures("fresh_registry", "fresh_host")
def test_the_code_of_a_job_is_a_good_moment() -> None:
    assert 0.0 in _moments(lambda: sum(range(2_000)))


class _SlowHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        threading.Event().wait(0.02)


@pytest.mark.usefixtures("fresh_registry", "fresh_host")
def test_a_job_that_waits_for_an_event_is_given_a_second() -> None:
    assert FOR_LOCKS in _moments(lambda: threading.Event().wait(0.01))


@pytest.mark.usefixtures("fresh_registry", "fresh_host")
def test_a_job_that_writes_to_the_log_is_no_good_moment() -> None:
    log = logging.getLogger("slow")
    log.propagate = False
    handler = _SlowHandler()
    log.addHandler(handler)
    seen: list[float] = []
    thread = threading.Thread(target=log.error, args=("x",))
    thread.start()
    while thread.is_alive():
        seen.append(patience_with(thread.ident or 0))
    thread.join()
    log.removeHandler(handler)
    assert set(seen) == {FOR_KIQ}


def test_the_stack_of_a_thread_names_its_functions() -> None:
    held = threading.Event()

    def stands_here() -> None:
        held.wait()

    thread = threading.Thread(target=stands_here)
    thread.start()
    eventually(lambda: "stands_here" in stack_of(thread.ident or 0))
    held.set()
    thread.join()
    assert "it has ended" in stack_of(1)


def test_a_run_elsewhere_is_known_by_its_jid_while_it_lasts() -> None:
    told: list[type[BaseException]] = []
    elsewhere = Elsewhere()
    with elsewhere.running("j1", told.append):
        assert here.get() is not None
        for interrupt in elsewhere.runs_of({"j1", "j2"}):
            interrupt(kiq.Cancelled)
        assert elsewhere.runs_of({"j2"}) == []
    assert told == [kiq.Cancelled]
    assert elsewhere.runs_of({"j1"}) == []
    assert here.get() is None


def test_what_is_due_arrives_once_and_in_its_own_thread() -> None:
    mine, told = threading.get_ident(), list[str]()
    on_its_way("here", mine, lambda: told.append("here"))
    on_its_way("there", mine + 1, lambda: told.append("there"))
    interruption.arrive()
    interruption.arrive()
    assert told == ["here"]
    assert interruption.due.pop("there")


def test_log_lines_are_looked_at_only_while_something_is_due() -> None:
    told: list[str] = []
    on_its_way("here", threading.get_ident(), lambda: told.append("here"))
    log = logging.getLogger("app.quiet")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    log.error("the first one meets it")
    log.error("the next one finds nothing, and puts things in order")
    assert told == ["here"]
    assert logging.getLogRecordFactory() is logging.LogRecord


def test_a_log_line_of_kiqs_own_is_no_place_to_raise() -> None:
    on_its_way("here", threading.get_ident(), lambda: pytest.fail("raised in kiq's own code"))
    Outage("poller").failed(kiq.StoreError("away"))
    assert interruption.due.pop("here")
