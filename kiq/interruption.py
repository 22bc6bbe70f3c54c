"""What running jobs are told by their process: that it stops, that they were cancelled, that they end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any

#: Set when this process takes no more jobs: what runs should come to an end, or to a place to go on.
stopping = threading.Event()

#: The jids that were cancelled, and the score of the mark that says so. Filled by the plugin that
#: cancels; empty as a rule, so that a look costs next to nothing.
cancelled: dict[str, float] = {}

#: Field of a payload: somebody wants it to run in spite of marks up to this score.
UNCANCELLED = "uncancelled"

#: By whom which thread is to be interrupted as soon as nothing of kiq's is half done there, and what
#: raises there. Empty as a rule; who begins a push, say, looks whether it is: ``if due: arrive()``.
due: dict[Hashable, tuple[int, Callable[[], object]]] = {}


def was_cancelled(payload: Mapping[str, Any]) -> bool:
    """Tell whether the job of *payload* was cancelled; its jid may be anything that was pushed."""
    mark = cancelled.get(str(payload.get("jid", ""))) if cancelled else None
    if mark is None:
        return False
    but = payload.get(UNCANCELLED)
    return not isinstance(but, int | float) or mark > but


def arrive() -> None:
    """Raise what is due in this thread: a loop of pushes is inside a push whenever others look."""
    mine = threading.get_ident()
    for key, (ident, strike) in due.copy().items():
        if ident == mine and due.pop(key, None) is not None:  # who takes it out is who raises
            strike()
