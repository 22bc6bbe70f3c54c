"""Handlers are called in order, on threads of their own; one that hangs is named and left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kiq.kept import is_own
from kiq.work import errands as module
from kiq.work.errands import Errands
from tests.helpers.waiting import eventually


class Hanging:
    """A handler that notes its calls, and returns when it is let go."""

    def __init__(self) -> None:
        self.calls = 0
        self.let_go = threading.Event()

    def __call__(self, *_: Any) -> None:
        self.calls += 1
        self.let_go.wait(10)


@pytest.fixture
def errors() -> list[BaseException]:
    return []


@pytest.fixture
def errands() -> Iterator[Errands]:
    made = Errands()
    made.start()
    yield made
    made.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.let_go.set()


def never(error: BaseException) -> None:
    raise AssertionError(error)


def test_calls_are_made_one_after_the_other_in_order(errands: Errands) -> None:
    seen: list[int] = []
    at_once = threading.Lock()

    def handler(number: int) -> None:
        assert at_once.acquire(blocking=False)
        seen.append(number)
        at_once.release()

    for number in range(200):
        errands.call("test", handler, number, failed=never)
    assert errands.idle(5)
    assert seen == list(range(200))


def test_they_are_made_on_another_thread_which_is_kiqs_own(errands: Errands) -> None:
    seen: list[tuple[int, bool]] = []
    errands.call("test", lambda: seen.append((threading.get_ident(), is_own())), failed=never)
    assert errands.idle(5)
    ((ident, own),) = seen
    assert ident != threading.get_ident()
    assert own


@pytest.mark.parametrize("error", [OSError("x"), SystemExit(3), KeyboardInterrupt()])
def test_what_a_handler_raises_is_told_and_the_next_is_called(
    errands: Errands, errors: list[BaseException], error: BaseException
) -> None:
    seen: list[int] = []

    def broken() -> None:
        raise error

    errands.call("test", broken, failed=errors.append)
    errands.call("test", seen.append, 1, failed=never)
    assert errands.idle(5)
    assert (errors, seen) == ([error], [1])


def test_one_that_hangs_is_named_and_the_others_go_on(
    errands: Errands, hanging: Hanging, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    errands.call("beat", hanging, failed=never)
    errands.call("beat", seen.append, 1, failed=never)
    eventually(lambda: hanging.calls == 1)
    errands.look()
    assert (seen, caplog.text) == ([], ""), "not before its time"
    eventually(lambda: errands.look(0.01) or seen == [1])
    assert "beat test_errands.Hanging has not returned for" in caplog.text
    assert "in __call__" in caplog.text
    assert errands.idle(5)
    hanging.let_go.set()
    eventually(lambda: "has returned after" in caplog.text)


def test_it_is_not_called_again_before_it_has_returned(errands: Errands, hanging: Hanging) -> None:
    for _ in range(3):
        errands.call("error", hanging, failed=never)
    eventually(lambda: hanging.calls == 1)
    eventually(lambda: errands.look(0.01) or errands.idle(0))
    assert errands.call("error", hanging, failed=never) is None
    assert hanging.calls == 1
    hanging.let_go.set()
    eventually(lambda: errands.call("error", hanging, failed=never) is not None)
    assert errands.idle(5)
    assert hanging.calls == 2


def test_many_may_hang(errands: Errands) -> None:
    stuck = [Hanging() for _ in range(8)]
    seen: list[int] = []
    for each in stuck:
        errands.call("test", each, failed=never)
    errands.call("test", seen.append, 1, failed=never)
    eventually(lambda: errands.look(0.01) or seen == [1])
    for each in stuck:
        each.let_go.set()


def test_where_no_thread_can_be_had_it_is_said_and_the_rest_waits(
    errands: Errands,
    hanging: Hanging,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    second, seen = Hanging(), list[int]()
    for handler in (hanging, second):
        errands.call("test", handler, failed=never)
    errands.call("test", seen.append, 1, failed=never)
    eventually(lambda: errands.look(0.01) or second.calls == 1)
    eventually(lambda: errands.look(0.01) or caplog.text.count("has not returned") == 2)
    assert "no thread can be had for other handlers: can't start new thread" in caplog.text
    assert seen == []
    hanging.let_go.set()
    eventually(lambda: errands.look(0.01) or seen == [1])
    second.let_go.set()


def test_calls_beyond_the_limit_are_dropped_and_counted(
    errands: Errands,
    hanging: Hanging,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    seen: list[int] = []
    errands.call("test", hanging, failed=never)
    eventually(lambda: hanging.calls == 1)
    made = [errands.call("test", seen.append, number, failed=never) for number in range(5)]
    assert [errand is None for errand in made] == [False] * 3 + [True] * 2
    errands.look()
    assert "2 calls of handlers were dropped" in caplog.text
    hanging.let_go.set()
    assert errands.idle(5)
    assert seen == [0, 1, 2]


def test_it_tells_what_waits(errands: Errands, hanging: Hanging) -> None:
    other = Hanging()
    errands.call("beat", hanging, failed=never)
    errands.call("beat", other, failed=never)
    assert errands.waits_for(hanging)
    assert errands.waits_for(other)
    other.let_go.set()
    hanging.let_go.set()
    assert errands.idle(5)
    assert not errands.waits_for(hanging)


def test_when_it_is_closed_nothing_is_called_any_more(errands: Errands) -> None:
    errands.close()
    seen: list[int] = []
    assert errands.call("test", seen.append, 1, failed=never) is None
    assert seen == []
