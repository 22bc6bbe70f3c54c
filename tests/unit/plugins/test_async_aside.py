"""Threads beside the event loop: what is called there, and when they end."""

from __future__ import annotations

import sys
import threading

import pytest

from kiq import kept
from kiq.plugins.asyncio_jobs.aside import Aside
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.needs("greenlet")


def threads() -> int:
    """How many of these threads there are."""
    return sum(one.name.startswith("kiq-async-handlers-") for one in threading.enumerate())


def test_as_many_calls_go_on_as_there_are_threads_and_all_end_when_it_is_closed() -> None:
    before, aside, release = threads(), Aside(), threading.Event()
    futures = [aside.call(release.wait) for _ in range(40)]
    eventually(lambda: threads() == before + 32)
    release.set()
    assert [future.result(5) for future in futures] == [True] * 40
    aside.close()
    eventually(lambda: threads() == before)
    assert not any(
        one.name.startswith("kiq-async-handlers-") for one in kept._of_the_process.started
    )


def test_one_thread_is_enough_for_calls_that_come_one_after_the_other() -> None:
    before, aside = threads(), Aside()
    for number in range(20):
        assert aside.call(lambda number=number: number).result(5) == number  # type: ignore[misc]
        eventually(lambda: aside._idle._value == 1)  # type: ignore[attr-defined]
    assert threads() == before + 1
    aside.close()
    eventually(lambda: threads() == before)


def test_what_is_called_finds_the_error_that_is_handled_and_its_traceback_as_it_was() -> None:
    aside = Aside()
    try:
        int("no number")
    except ValueError as error:
        trace, found = error.__traceback__, aside.call(sys.exception).result(5)
        same = found is error and error.__traceback__ is trace
    assert same
    assert isinstance(aside.call(lambda: 1 // 0).exception(5), ZeroDivisionError)
    aside.close()


def test_where_no_thread_can_be_had_it_is_called_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Aside().call(threading.get_ident).result(0) == threading.get_ident()
