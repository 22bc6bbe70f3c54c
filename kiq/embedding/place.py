"""Which embedded worker has this process: one at a time, and none in a copy that was forked."""

from __future__ import annotations

import os
import threading
from typing import Protocol

from .. import worker_state


class Embedded(Protocol):
    """A worker that is told of forks."""

    def forked(self) -> None:
        """Be told, in the child, of a fork."""


_guard = threading.Lock()
_embedded: Embedded | None = None


def take(worker: Embedded) -> bool:
    """Take this process for *worker*, unless another worker has it; tell whether that is so."""
    global _embedded
    with _guard:
        if _embedded is not None or worker_state.running:
            return False
        _embedded = worker
        return True


def leave(worker: Embedded) -> None:
    """Give this process back, if *worker* has it."""
    global _embedded
    with _guard:
        if _embedded is worker:
            _embedded = None


def _after_fork() -> None:
    global _guard, _embedded
    _guard, worker, _embedded = threading.Lock(), _embedded, None
    if worker is not None:
        worker.forked()


os.register_at_fork(after_in_child=_after_fork)
