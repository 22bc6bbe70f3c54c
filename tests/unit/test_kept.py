"""Threads of kiq's own go on whatever their bodies raise, and are replaced when they have ended."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from kiq import kept
from kiq.kept import Kept, is_own, mend, stack_of
from tests.helpers.waiting import eventually


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    before = set(kept._of_the_process.started)
    yield
    # Those of tests before this one may end meanwhile.
    assert set(kept._of_the_process.started) <= before, "a thread of the test goes on"


@pytest.mark.parametrize("error", [OSError("x"), MemoryError(), SystemExit(1), KeyboardInterrupt()])
def test_a_body_that_raises_begins_again(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def body() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise error

    thread = Kept(body, "kiq-test")
    thread.start()
    assert thread.join(5)
    assert len(calls) == 3
    assert f"thread kiq-test met {error!r}, and begins again" in caplog.text
    assert not thread.lost


def test_a_log_that_raises_as_well_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(logging.getLogger("kiq.threads"), "error", broken)
    calls: list[int] = []

    def body() -> None:
        calls.append(1)
        if len(calls) < 2:
            raise OSError

    thread = Kept(body, "kiq-test")
    thread.start()
    assert thread.join(5)
    assert len(calls) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_that_has_ended_is_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    leave, idents = threading.Event(), set()

    def body() -> None:
        idents.add(threading.current_thread())
        if len(idents) == 1:
            raise OSError
        leave.wait(10)

    def ends(_self: Kept, _error: BaseException) -> None:
        raise SystemExit  # in the very place where nothing raises

    thread = Kept(body, "kiq-test")
    monkeypatch.setattr(Kept, "_complain", ends)
    thread.start()
    eventually(lambda: thread.lost)
    assert mend()
    assert "thread kiq-test has ended unasked: another takes its place" in caplog.text
    eventually(lambda: len(idents) == 2)
    assert not thread.lost
    assert mend()
    assert len(idents) == 2
    leave.set()
    assert thread.join(5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_it_is_said_when_none_can_be_had(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def ends(_self: Kept, _error: BaseException) -> None:
        raise SystemExit

    def body() -> None:
        if threading.current_thread().name == "kiq-test" and not replaced:
            raise OSError

    replaced: list[int] = []
    thread = Kept(body, "kiq-test")
    monkeypatch.setattr(Kept, "_complain", ends)
    thread.start()
    eventually(lambda: thread.lost)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert not mend()
    assert "no thread takes the place of kiq-test: can't start new thread" in caplog.text
    replaced.append(1)
    assert mend()
    assert thread.join(5)


def test_one_that_can_not_be_started_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    thread = Kept(lambda: None, "kiq-test")
    with pytest.raises(RuntimeError):
        thread.start()
    assert thread.join(0)


def test_only_such_threads_are_kiqs_own() -> None:
    seen: list[bool] = []
    Kept(lambda: seen.append(is_own()), "kiq-test").start()
    eventually(lambda: seen == [True])
    assert not is_own()


def test_the_stack_of_a_thread_that_has_ended_is_no_error() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert stack_of(thread.ident) == "(it has ended)"
    assert stack_of(None) == "(it has ended)"
    assert "test_the_stack_of_a_thread" in stack_of(threading.get_ident())


def test_a_silence_is_counted_in_looks_and_ends_when_the_body_comes_round() -> None:
    one = Kept(lambda: None, "test-silence")
    seen = []
    for turns in (1, 1, 1, 2, 2):
        one.turns = turns
        one.look()
        seen.append(one.silence)
    assert seen == [0, 1, 2, 0, 1]


def test_one_that_does_not_come_round_is_named_once_with_its_stack(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = threading.Event()
    one = Kept(release.wait, "test-hangs", hangs_after=3)  # type: ignore[arg-type]
    one.start()
    for _ in range(10):
        kept.mend()
    release.set()
    assert one.join(5)
    (line,) = [
        record.getMessage() for record in caplog.records if "test-hangs" in record.getMessage()
    ]
    assert line.startswith("thread test-hangs has hung for 3 s; it is here:")
    assert "in wait" in line


def test_a_thread_that_was_made_before_a_fork_counts_in_the_child() -> None:
    program = """
import os, threading
from kiq.kept import Kept

one = Kept(threading.Event().wait, "made-before")
child = os.fork()
if child == 0:
    one.start()
    os._exit(1 if one.lost else 0)
assert os.waitpid(child, 0)[1] == 0
"""
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
