"""A forked child takes no lock that another thread of its parent may have held at the fork."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

import kiq
from kiq import testing
from kiq.config import Redis
from kiq.middleware import ServerContext
from kiq.plugins.interrupting.span import Span
from kiq.plugins.metrics.tally import Tally
from kiq.plugins.profiling.plugin import Profiling, Recordings
from kiq.store.connection import Connector
from kiq.testing import clock, locks, modes
from kiq.verdict import DONE, Flight, Permit, Taken
from kiq.work.handover import Handover
from kiq.work.inbox import Inbox
from kiq.work.processor import Processor
from kiq.worker_state import WorkerState

# Other tests may have threads, and so have these.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

ENDED = 7


@contextmanager
def held(lock: Any) -> Iterator[None]:
    """Let another thread hold *lock* for this block."""
    holds, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holds.set()
            over.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(20)
    try:
        yield
    finally:
        over.set()
        thread.join()


def ends_in_a_child(act: Callable[[], object]) -> int:
    """Call *act* in a forked child; return how that ended, ``ENDED`` if *act* returned in it."""
    child = os.fork()
    if not child:
        try:
            _hurry()
            act()
            os._exit(ENDED)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _hurry() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(10)


def taken() -> Taken:
    return Taken("1.1", Flight("o", "queue:a", Permit(float("inf"))), b"", 0.0)


def test_the_desk_is_told_of_the_fork() -> None:
    handover = Handover(3)
    with held(handover._answered._cond):
        assert ends_in_a_child(handover.forked) == ENDED


def test_a_processor_whose_job_was_about_to_be_interrupted_ends_its_child() -> None:
    handover = Handover(1)
    status = []

    def execute(one: Taken, _handover: Handover) -> Any:
        processor._deciding = processor._hailed = True  # as another thread does, amid its decision
        status.append(ends_in_a_child(lambda: (handover.forked(), processor._was_last(DONE, one))))
        processor._deciding = False
        return DONE

    inbox = Inbox()
    processor = Processor(
        inbox, handover, execute, lambda *_: DONE, lambda: None, lambda *_: None, "one"
    )
    inbox.put([taken()])
    inbox.close()
    processor.run()
    assert status == [0]


def test_a_span_ends_whose_job_was_about_to_be_interrupted() -> None:
    span = Span()
    span._deciding = span._hailed = True
    span.open = False
    assert ends_in_a_child(span.close) == ENDED


def test_a_run_is_measured() -> None:
    tally = Tally()

    def measure() -> None:
        for _ in range(3):
            tally.due = 0.0
            tally.note({"class": "X"}, 1.0, monotonic(), failed=False)

    with held(tally._lock):
        assert ends_in_a_child(measure) == ENDED


def test_a_recorded_job_returns(fresh_host: kiq.Host) -> None:
    pytest.importorskip("pyinstrument")
    profiling, worker = Profiling(), WorkerState()
    recordings = worker.keep(Recordings(Connector(Redis())))
    payload = {"class": "X", "jid": "a", "profile": "p"}
    context = ServerContext(payload, "default", object, None)
    context.worker = worker
    status = []

    def perform(_context: ServerContext) -> bool:
        with held(recordings._waiting.mutex):
            child = os.fork()
            if child:
                status.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                return True
            _hurry()
        return False

    if not profiling(context, perform):
        os._exit(ENDED)
    assert status == [ENDED]


@pytest.mark.parametrize("of", ["box", "modes", "clock"])
def test_a_child_of_a_test_pushes_and_works(of: str) -> None:
    @kiq.job(name="forked.nothing")
    def nothing() -> None: ...

    def act() -> None:
        with testing.scoped("fake", process_wide=True), testing.freeze():
            nothing.perform_async()
            assert testing.drain() == 1
        nothing.perform_async()
        assert len(testing.jobs()) == 1

    with testing.scoped("fake"):
        lock: Any = {
            "box": modes.box()._lock,
            "modes": modes._process._lock,
            "clock": clock._moved._lock,
        }[of]
        with held(lock):
            assert ends_in_a_child(act) == ENDED
        assert not testing.jobs()


def test_a_child_that_is_forked_in_such_a_block_leaves_it() -> None:
    lock = locks.Lock()

    def act() -> None:
        lock.__exit__(None, None, None)
        with lock:
            pass

    with lock:
        assert ends_in_a_child(act) == ENDED
