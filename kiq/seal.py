"""The seal of a host: while a worker runs with it, nothing more can be attached."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, SupportsIndex, TypeVar

from .errors import PluginError

T = TypeVar("T")


class Seal:
    """Set by each worker at its start, lifted at its end. Threads: any."""

    def __init__(self) -> None:
        self._workers: dict[
            str, int
        ] = {}  # identity -> its process: a forked child has none of them

    def set(self, worker: str) -> None:
        """Let nothing be attached while *worker*, an identity, runs."""
        self._workers[worker] = os.getpid()

    def lift(self, worker: str) -> None:
        """Note that *worker* has ended; harmless when repeated."""
        self._workers.pop(worker, None)

    def check(self, what: object) -> None:
        """Raise PluginError if *what* can't be attached any more."""
        for worker, pid in self._workers.copy().items():
            if pid != os.getpid():
                continue
            raise PluginError(
                f"{what!r} comes too late: worker {worker} runs, and has looked already at what is "
                "attached; attach it while the application is imported, or at startup"
            )


class Attachments(list[T]):
    """A list of what is attached to a host; what can't be attached any more raises PluginError."""

    def __init__(self, seal: Seal, first: Iterable[T] = ()) -> None:
        super().__init__(first)
        self._seal = seal

    def append(self, one: T) -> None:
        """Add *one*."""
        self._seal.check(one)
        super().append(one)

    def insert(self, index: SupportsIndex, one: T) -> None:
        """Add *one* before that at *index*."""
        self._seal.check(one)
        super().insert(index, one)

    def extend(self, more: Iterable[T]) -> None:
        """Add each of *more*."""
        self._seal.check(more)
        super().extend(more)

    def __iadd__(self, more: Any) -> Any:  # type: ignore[misc]
        self.extend(more)
        return self
