"""Jobs that lie in Redis unseen until workers wait for them, and again after they have ended.

So a deep queue is pushed once, several of them take turns, and all workers begin at one moment.
"""

from __future__ import annotations

import sys
from typing import Any

import redis
from support import APPS, BenchmarkError

from kiq import keys

sys.path.insert(0, str(APPS))
from kiq_app import Blob, Noop

_SLICE = 50_000
_MOST_IN_A_PUSH = 8_000_000  # bytes
_ENVELOPE = 200  # bytes of a job beside its payload, about
_MOST_JOBS_IN_A_PUSH = 1_000


class Stock:
    """The jobs of *queues*, each with *payload* bytes as an argument (0: a number alone).

    It begins unseen, and *name* tells it from others in the same Redis; kiq must be configured to
    push there. No worker may run while it is filled.
    """

    def __init__(
        self, store: redis.Redis, name: str, queues: tuple[str, ...], payload: int
    ) -> None:
        self._store = store
        self._queues = queues
        self._content = b"\xa5" * payload
        self._places = {keys.queue(queue): f"aside:{name}:{queue}" for queue in queues}

    def fill(self, jobs: int) -> None:
        """Push what is missing to *jobs* of them, as many in each queue."""
        self.show()
        each = -(-jobs // len(self._queues))
        for queue in self._queues:
            length: Any = self._store.llen(keys.queue(queue))
            for start in range(int(length), each, _SLICE):
                self._push(queue, range(start, min(start + _SLICE, each)))
        self.hide()

    def show(self) -> None:
        """Let workers see them, all at once. They are not rung for."""
        self._rename({aside: queue for queue, aside in self._places.items()})

    def hide(self) -> None:
        """Take what is left out of the workers' sight."""
        self._rename(self._places)

    def ring(self, times: int) -> None:
        """Push so many jobs more one by one, each of which wakes a worker that waits."""
        for number in range(times):
            self._job().set(queue=self._queues[0]).perform_async(*self._arguments(number))

    def _push(self, queue: str, numbers: range) -> None:
        fitting = _MOST_IN_A_PUSH // (len(self._content) + _ENVELOPE)
        self._job().set(queue=queue).perform_bulk(
            (self._arguments(number) for number in numbers),
            batch_size=max(1, min(_MOST_JOBS_IN_A_PUSH, fitting)),
        )

    def _job(self) -> type[Noop] | type[Blob]:
        return Blob if self._content else Noop

    def _arguments(self, number: int) -> tuple[Any, ...]:
        return (number, self._content) if self._content else (number,)

    def _rename(self, names: dict[str, str]) -> None:
        def rename(pipeline: Any) -> None:
            there = [name for name in names if pipeline.exists(name)]
            pipeline.multi()
            for name in there:
                pipeline.renamenx(name, names[name])

        moved: Any = self._store.transaction(rename, *names)
        if not all(moved):
            raise BenchmarkError(
                f"not all of {', '.join(names)} could be renamed, as jobs lie there already: "
                "does a worker or a program that pushes run on this server?"
            )
