"""What runs of this process have to tell, until their jobs are settled."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

_MOST = 5_000  # runs that are known
_MOST_BYTES = 8_000_000  # characters of their logs, all together


@dataclass(slots=True)
class Run:
    """One run: when it *began* (epoch seconds), what it *waited* and *ran* (seconds), and its *log*.

    *token* is that of the delivery that it was, once that is known.
    """

    began: float
    waited: float | None
    ran: float | None = None
    log: str | None = None
    token: str = ""


class Runs:
    """The last runs, by jid. Threads: those of jobs, and whichever settles.

    A run is told with the delivery that it belongs to, as often as that is asked for: a write may be sent
    again. An older one of the same job is not told for another delivery.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Run] = OrderedDict()
        self._size = 0

    def add(self, jid: str, run: Run) -> None:
        """Note that a job was run. Where too much is kept the oldest goes, as it is settled long ago."""
        with self._lock:
            self._drop(jid)
            self._known[jid] = run
            self._size += len(run.log or "")
            while len(self._known) > _MOST or (self._size > _MOST_BYTES and len(self._known) > 1):
                self._drop(next(iter(self._known)))

    def of(self, jid: str, token: str) -> Run | None:
        """Return the run of *jid* that was the delivery *token*; None where it did not run here."""
        with self._lock:
            run = self._known.get(jid)
            if run is None or not token:
                return None
            run.token = run.token or token
            return run if run.token == token else None

    def _drop(self, jid: str) -> None:
        before = self._known.pop(jid, None)
        if before is not None:
            self._size -= len(before.log or "")
