"""Pushes of class jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_type

import kiq


class HardWorker(kiq.Job, queue="critical", retry=5):
    def perform(self, name: str, count: int = 1, *, loud: bool = False) -> int:
        assert_type(self.jid, str)
        assert_type(self.attempt, int)
        assert_type(self.interrupted, bool)
        self.logger.info("at work")
        return count


class Low(kiq.Job, queue="low", retry=False):
    """A base for options."""


class Cleanup(Low):
    def perform(self) -> None: ...


class Contract(Low, ABC):
    @abstractmethod
    def perform(self, number: int) -> None: ...


class Fulfilled(Contract):
    def perform(self, number: int) -> None: ...


class Wider(Fulfilled):
    def perform(self, number: int, label: str = "") -> None: ...


class Timed:
    """A mixin that knows nothing of kiq."""

    def began(self) -> datetime:
        return datetime.now(UTC)


class Mixed(Timed, kiq.Job):
    def perform(self, *names: str, **counts: int) -> None:
        assert_type(self.began(), datetime)


@dataclass
class Order:
    number: int


class Ship(kiq.Job):
    def perform(self, order: int, /) -> Order:
        return Order(order)


def lazily() -> Iterator[tuple[str, int]]:
    yield ("a", 1)


soon = datetime.now(UTC) + timedelta(hours=1)

assert_type(HardWorker.perform_async("Bob", 5), str | None)
assert_type(HardWorker.perform_async("Bob", count=5, loud=True), str | None)
assert_type(HardWorker.perform_async(name="Bob"), str | None)
assert_type(HardWorker.perform_in(60, "Bob"), str | None)
assert_type(HardWorker.perform_in(0.5, "Bob", loud=True), str | None)
assert_type(HardWorker.perform_in(timedelta(minutes=1), "Bob", 5), str | None)
assert_type(HardWorker.perform_at(soon, "Bob"), str | None)
assert_type(HardWorker.perform_at(4_000_000_000.5, "Bob"), str | None)
assert_type(HardWorker.perform_bulk([("a", 1), ["b"]]), list[str | None])
assert_type(HardWorker.perform_bulk(lazily(), batch_size=10, at=[soon, 4e9]), list[str | None])
assert_type(HardWorker.perform_bulk([HardWorker.args("a", count=1)], at=soon), list[str | None])
assert_type(HardWorker.perform_bulk(([n] for n in "ab"), spread_interval=60), list[str | None])
assert_type(
    HardWorker.perform_bulk((HardWorker.args(n) for n in "ab"), spread_interval=timedelta(hours=1)),
    list[str | None],
)
HardWorker.perform_inline("Bob", 5)

assert_type(Cleanup.perform_async(), str | None)
assert_type(Fulfilled.perform_async(1), str | None)
assert_type(Wider.perform_async(1, "x"), str | None)
assert_type(Mixed.perform_async("a", "b", c=1), str | None)
assert_type(Ship.perform_async(1), str | None)

low = HardWorker.set(queue="low")
assert_type(low.perform_async("Bob", 5), str | None)
assert_type(low.set(retry=0).perform_in(5, "Bob", loud=True), str | None)
assert_type(low.perform_at(soon, "Bob"), str | None)
assert_type(low.perform_bulk([("a", 1), low.args("b", count=2)]), list[str | None])
low.perform_inline("Bob")

assert_type(HardWorker().perform("Bob", 5), int)


def push_each(jobs: list[type[Fulfilled]]) -> None:
    for job in jobs:
        job.perform_async(1)
