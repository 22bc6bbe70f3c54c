"""Which threads of this process are to be interrupted at the next good moment, and by what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

#: By whom which thread is to be interrupted as soon as nothing of kiq's is half done there, and what
#: raises there. Empty as a rule; who begins a push, say, looks whether it is: ``if due: arrive()``.
#: Of the process, not of a worker: a push knows its thread, and no worker.
due: dict[Hashable, tuple[int, Callable[[], object]]] = {}


def arrive() -> None:
    """Raise what is due in this thread: a loop of pushes is inside a push whenever others look."""
    mine = threading.get_ident()
    for key, (ident, interrupt) in due.copy().items():
        if ident == mine and due.pop(key, None) is not None:  # who takes it out is who raises
            interrupt()
