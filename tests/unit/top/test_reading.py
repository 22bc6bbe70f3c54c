"""The thread that reads."""

from __future__ import annotations

import queue
import threading

import pytest

from kiq.config import Config
from kiq.top import reading
from kiq.top.fleets import Fleet
from kiq.top.picture import Ask, Failed, Picture, Place
from kiq.top.reading import Reader, read_picture

HERE, THERE = Ask(0, Place("now")), Ask(0, Place("queues"))


def test_it_reads_what_was_asked_for_last_and_at_once() -> None:
    found: queue.Queue[Picture | Failed] = queue.Queue()
    reader = Reader(lambda ask: Failed(ask, "?"), found.put, 3600.0, HERE)
    reader.start()
    assert found.get(timeout=20).ask == HERE
    reader.ask(THERE)
    assert found.get(timeout=20).ask == THERE
    reader.again()
    assert found.get(timeout=20).ask == THERE
    reader.end()
    reader.join(20)
    assert not reader.is_alive()
    assert found.empty()


def test_who_leaves_waits_for_nothing_that_is_on_its_way() -> None:
    found: list[Picture | Failed] = []
    begun, go_on = threading.Event(), threading.Event()

    def read(ask: Ask) -> Failed:
        begun.set()
        go_on.wait(20)
        return Failed(ask, "?")

    reader = Reader(read, found.append, 3600.0, HERE)
    reader.start()
    assert begun.wait(20)
    reader.end()
    assert reader.daemon  # the process ends though it still reads
    go_on.set()
    reader.join(20)
    assert found == []


def test_a_moment_that_breaks_is_told_and_ends_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "read_moment", lambda home: 1 / 0)
    fleet = Fleet("main", None, Config())  # type: ignore[arg-type]
    found = read_picture(HERE, [fleet], {})
    assert isinstance(found, Failed)
    assert found.problem == "ZeroDivisionError: division by zero"
    assert not found.away
