"""Due jobs pass user code on threads of its own: one that takes long holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kiq.verdict import Dropped, Flight, Permit, PutOff, Taken
from kiq.work import passage
from kiq.work.due import Fate
from kiq.work.passage import Decided, Passages
from tests.helpers.waiting import eventually

FLIGHT = Flight("host:1:abc:poller", "schedule", Permit())


def job(number: int) -> Taken:
    return Taken(f"1.{number}", FLIGHT, b"%d" % number, 0.0)


class Layers:
    """Decides: jobs in *holds* wait until they are let go; *wild* raise."""

    def __init__(self) -> None:
        self.holds: dict[bytes, threading.Event] = {}
        self.wild: set[bytes] = set()
        self.began: list[bytes] = []
        self.classes: dict[bytes, str] = {}

    def decide(self, taken: Taken, may_go_on: Callable[[dict[str, Any]], bool]) -> Fate:
        if not may_go_on({"class": self.classes.get(taken.raw, "A"), "jid": taken.delivery}):
            return PutOff(5.0)
        self.began.append(taken.raw)
        if taken.raw in self.wild:
            raise SystemExit(3)
        if taken.raw in self.holds:
            self.holds[taken.raw].wait(20)
        return Dropped("decided")

    def hold(self, number: int) -> Taken:
        self.holds[b"%d" % number] = threading.Event()
        return job(number)


@pytest.fixture
def layers() -> Iterator[Layers]:
    made = Layers()
    yield made
    for event in made.holds.values():
        event.set()


@pytest.fixture
def passages(layers: Layers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Passages]:
    monkeypatch.setattr(passage, "_PATIENCE", 0.05)
    monkeypatch.setattr(passage, "_HANGS_AFTER", 0.3)
    monkeypatch.setattr(passage, "_LOOK", 0.01)
    made = Passages(layers.decide)
    yield made
    made.close()


def numbers(decided: list[Decided]) -> list[int]:
    return [int(taken.raw) for taken, fate in decided if isinstance(fate, Dropped)]


def test_jobs_are_decided_in_order(passages: Passages) -> None:
    passages.give([job(n) for n in range(100)])
    assert numbers(passages.collect(5)) == list(range(100))
    assert passages.idle
    assert passages.collect(5) == []


def test_a_job_that_takes_long_holds_up_no_other(passages: Passages, layers: Layers) -> None:
    slow = layers.hold(1)
    passages.give([job(0), slow, job(2), job(3)])
    assert numbers(passages.collect(5)) == [0, 2, 3]
    assert passages.idle
    layers.holds[b"1"].set()
    assert numbers(eventually(lambda: passages.collect(0))) == [1]


def test_a_job_that_hangs_is_struck_once_and_its_answer_comes_too_late(
    passages: Passages, layers: Layers
) -> None:
    passages.give([layers.hold(1)])
    (found,) = eventually(lambda: passages.collect(0.1))
    assert found[1] == PutOff(30.0, 1)
    layers.holds[b"1"].set()
    eventually(lambda: passages.collect(0) == [] and not passages._late)


def test_a_decision_that_raises_whatever_it_raises_is_a_strike(
    passages: Passages, layers: Layers
) -> None:
    layers.wild = {b"1"}
    passages.give([job(1), job(2)])
    decided = passages.collect(5)
    assert [fate for _, fate in decided] == [PutOff(30.0, 1), Dropped("decided")]


def test_when_two_of_a_class_are_late_the_others_of_it_wait_and_no_other_class(
    passages: Passages, layers: Layers
) -> None:
    layers.classes[b"9"] = "B"
    passages.give([layers.hold(1), layers.hold(2), job(3), job(9), job(4)])
    decided = passages.collect(5)
    assert [(taken.raw, type(fate)) for taken, fate in decided] == [
        (b"3", PutOff),
        (b"9", Dropped),
        (b"4", PutOff),
    ]


def test_only_so_many_threads_may_hang_in_jobs_of_one_class(
    passages: Passages, layers: Layers
) -> None:
    for number in range(6):
        passages.give([layers.hold(number)])
        eventually(lambda: passages.collect(0.1))
    assert layers.began == [b"0", b"1", b"2", b"3"]
    layers.holds[b"0"].set()
    eventually(lambda: passages.collect(0) == [] and len(passages._late) == 3)
    passages.give([job(7)])
    assert numbers(passages.collect(5)) == [7]


def test_what_was_forgotten_is_not_answered(passages: Passages, layers: Layers) -> None:
    passages.give([layers.hold(1), job(2)])
    eventually(lambda: layers.began)
    passages.forget()
    assert passages.idle
    passages.give([job(3)])
    assert numbers(passages.collect(5)) == [3]
    layers.holds[b"1"].set()
    eventually(lambda: not passages._late or passages.collect(0))
    assert layers.began == [b"1", b"3"]
