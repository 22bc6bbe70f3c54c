"""What a type checker must accept, with the types that it must find. Checked, never run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

import kiq


class HardWorker(kiq.Job, queue="critical", retry=5, tags=["a"], retry_for=timedelta(hours=1)):
    def perform(self, name: str, count: int = 1, *, loud: bool = False) -> int:
        assert_type(self.jid, str)
        assert_type(self.attempt, int)
        self.logger.info("at work")
        return count

    def retry_in(self, count: int, error: BaseException, payload: dict[str, Any]) -> float:
        return 60.0 * count


class Low(kiq.Job, queue="low", retry=False):
    """A base for options."""


class Cleanup(Low, name="Cleanup", aliases=("Old",), dead=False, backtrace=True):
    def perform(self) -> None: ...


class Contract(Low, ABC):
    @abstractmethod
    def perform(self, number: int) -> None: ...


class Fulfilled(Contract):
    def perform(self, number: int) -> None: ...


@kiq.job
def plain(number: int) -> str:
    return str(number)


@kiq.job(queue="mailers", retry=2)
def welcome(user_id: int, *, again: bool = False) -> None: ...


def lazily() -> Iterator[tuple[str, int]]:
    yield ("a", 1)


soon = datetime.now(UTC) + timedelta(hours=1)

assert_type(HardWorker.perform_async("Bob", 5), str | None)
assert_type(HardWorker.perform_async("Bob", count=5, loud=True), str | None)
assert_type(HardWorker.perform_in(60, "Bob"), str | None)
assert_type(HardWorker.perform_in(timedelta(minutes=1), "Bob", 5), str | None)
assert_type(HardWorker.perform_at(soon, "Bob"), str | None)
assert_type(HardWorker.perform_at(4_000_000_000.5, "Bob"), str | None)
assert_type(HardWorker.perform_bulk([("a", 1), ["b"]]), list[str | None])
assert_type(HardWorker.perform_bulk(lazily(), batch_size=10, at=[soon, 4e9]), list[str | None])
assert_type(
    HardWorker.perform_bulk([HardWorker.args("a", count=1)], spread_interval=timedelta(minutes=5)),
    list[str | None],
)
HardWorker.perform_inline("Bob", 5)
assert_type(HardWorker.set(queue="low").perform_async("Bob", 5), str | None)
assert_type(HardWorker.set(queue="low").set(retry=0).perform_in(5, "Bob", loud=True), str | None)
HardWorker.set(retry_queue=None, tags=("a",), dead=False, retry_for=60.0, backtrace=3)

assert_type(Cleanup.perform_async(), str | None)
assert_type(Fulfilled.perform_async(1), str | None)

assert_type(plain(1), str)
assert_type(plain.perform_async(1), str | None)
assert_type(plain.perform_bulk([(1,), plain.args(2)]), list[str | None])
assert_type(welcome.perform_async(1, again=True), str | None)
assert_type(welcome.set(queue="low").perform_at(soon, 1), str | None)

assert_type(kiq.push({"class": "Ruby::Job", "args": [1]}), str | None)
assert_type(kiq.push_bulk({"class": "Ruby::Job"}, [[1], (2,)]), list[str | None])


@kiq.host.around_push
def stamp(context: kiq.ClientContext, call_next: Any) -> Any:
    context.payload["locale"] = "de"
    return call_next(context)


@kiq.host.around_perform
def time_it(context: kiq.ServerContext, call_next: Any) -> Any:
    assert_type(context.jid, str)
    return call_next(context)


@kiq.host.on("startup")
def begin() -> None: ...
