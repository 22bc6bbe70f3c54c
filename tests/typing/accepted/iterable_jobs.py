"""Iterable jobs, their enumerators and pushes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, assert_type

import kiq
from kiq import iteration
from kiq.api import IterationState


class Import(kiq.IterableJob, queue="low", max_iteration_runtime=timedelta(minutes=5)):
    def build(
        self, path: str, size: int = 10, *, cursor: Any
    ) -> iteration.Enumerator[dict[str, str]]:
        return iteration.csv_rows(path, cursor=cursor)

    def each(self, row: dict[str, str], path: str, size: int = 10) -> None:
        assert_type(self.cancel(), float)
        assert_type(self.state, IterationState)
        assert_type(self.arguments, tuple[Any, ...])
        assert_type(self.interrupted, bool)
        self.progress(position=1, total=3)
        if self.cancelled:
            self.abort()

    def on_start(self) -> None:
        self.logger.info("begins")

    @contextmanager
    def around_iteration(self) -> Generator[None, None, None]:
        yield


class Own(kiq.IterableJob):
    def build(self, size: int, *, cursor: int | None) -> Iterator[tuple[str, int]]:
        for number in range(cursor or 0, size):
            yield str(number), number

    def each(self, item: str, size: int) -> None: ...


assert_type(Import.perform_async("a.csv"), str | None)
assert_type(Import.perform_in(60, "a.csv", 5), str | None)
assert_type(Import.perform_at(4e9, "a.csv", size=5), str | None)
assert_type(Import.perform_bulk([("a",), Import.args("b", 2)]), list[str | None])
assert_type(Import.set(queue="x").perform_async("a.csv"), str | None)
assert_type(Import.cancel("5d1c7a52e6ad1ab1f5a1a0d8"), float)
assert_type(Own.perform_async(5), str | None)

assert_type(iteration.sequence(range(3), cursor=None), iteration.Enumerator[int])
assert_type(iteration.lines("a", cursor=5), iteration.Enumerator[str])
assert_type(iteration.csv_rows("a", cursor=5, header=False), iteration.Enumerator[list[str]])
assert_type(iteration.pages(lambda number: [number], cursor=None), iteration.Enumerator[list[int]])
assert_type(IterationState.find("x"), IterationState | None)
