"""What features look at for ``kiq verify``: whether what they keep in Redis still belongs to something."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol


class Survey(Protocol):
    """What a check may ask. Round trips: one for each call."""

    def call(self, command: tuple[Any, ...]) -> Any:
        """Send a command that only reads, and return its reply. Raises StoreError."""

    def knows(self, jid: str) -> bool:
        """Tell whether a job with this *jid* was seen anywhere: in a queue, in flight, or in a set."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something at *key* that seems to belong to nothing: *what* is so, and what to *do* about it.

    *mend*, a command, takes it away without losing anything; it is sent with ``--mend`` alone, and must do
    nothing where the doubt no longer holds.
    """

    key: str
    what: str
    mend: tuple[Any, ...] | None = None
    do: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A feature's check. *look* yields doubts; what it yields twice, of two surveys, is a finding.

    Threads: the one that verifies. What it raises is told as what could not be looked at.
    """

    name: str
    look: Callable[[Survey], Iterable[Doubt]]
