"""Pushes of iterable jobs that would fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kiq
from kiq import iteration


class Import(kiq.IterableJob, queue="low"):
    def build(self, path: str, size: int = 10, *, cursor: Any) -> Iterator[tuple[str, int]]:
        yield path, size

    def each(self, item: str, path: str, size: int = 10) -> None: ...


class Contract(kiq.IterableJob):
    """Neither build nor each yet."""


# refused: arg-type | reportArgumentType | wrong type
Import.perform_async(5)
# refused: call-arg | reportCallIssue | missing argument
Import.perform_async()
# refused: call-arg | reportCallIssue | one too many
Import.perform_async("a", 1, 2)
# refused: call-arg | reportCallIssue | the cursor is kiq's
Import.perform_async("a", cursor=3)
# refused: arg-type | reportArgumentType | wrong type
Import.perform_in(60, 5)
# refused: arg-type | reportArgumentType | wrong type
Import.args(5)
# refused: arg-type | reportArgumentType | wrong type through set
Import.set(queue="x").perform_async(5)
# refused: arg-type | reportArgumentType | a jid is a string
Import.cancel(5)
# refused: misc | reportAttributeAccessIssue | has no each
Contract.perform_async()
# refused: call-arg | reportCallIssue | sequence needs to know where to go on
iteration.sequence([1])
# refused: arg-type | reportArgumentType | a set has no order
iteration.sequence({1, 2}, cursor=None)


# refused: call-arg | reportCallIssue | unknown option
class Typo(kiq.IterableJob, quue="x"):
    def build(self, *, cursor: Any) -> Any: ...

    def each(self, item: Any) -> None: ...
