"""What became of a job: what plugins hear once Redis has confirmed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import keys
from .codec import decode
from .errors import UndecodablePayload
from .verdict import Taken, Verdict


@dataclass(frozen=True, slots=True)
class Deleted:
    """Somebody deleted the job through ``kiq.api`` (or a command): from its queue, or from a set."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """The job was due, and went to *queue* as *raw*."""

    queue: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The process that had it is dead, or gone: the job went back to where it had come from."""


DELETED = Deleted()
GIVEN_BACK = GivenBack()

Fate = Verdict | Deleted | Promoted | GivenBack


class Settled:
    """A job that left the place where it was, and what became of it.

    *raw* are its bytes there. *source* is the key of what it had come from: ``queue:default``, ``retry``.
    *owner* is who had taken it, in the *delivery* that ends; both are empty where nobody had.
    """

    __slots__ = ("_payload", "delivery", "owner", "raw", "source", "verdict")

    def __init__(
        self, raw: bytes, source: str, verdict: Fate, owner: str = "", delivery: str = ""
    ) -> None:
        self.raw = raw
        self.source = source
        self.verdict = verdict
        self.owner = owner
        self.delivery = delivery
        self._payload: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<Settled {self.jid or '?'} of {self.source}: {type(self.verdict).__name__}>"

    @property
    def payload(self) -> dict[str, Any]:
        """The job, decoded at the first look; empty where the bytes are no job."""
        if self._payload is None:
            try:
                self._payload = decode(self.raw)[0]
            except UndecodablePayload:
                self._payload = {}
        return self._payload

    @property
    def jid(self) -> str:
        """The job's id; empty where there is none."""
        return str(self.payload.get("jid", ""))

    @property
    def token(self) -> str:
        """The name of the delivery that ends, which no other has; empty where the job was with nobody."""
        return f"{self.owner} {self.delivery}" if self.delivery else ""

    @property
    def queue(self) -> str | None:
        """The queue that it was in, or would have gone to; None if unknown."""
        return keys.queue_name(self.source) or self.payload.get("queue")


def settled_of(taken: Taken, fate: Fate) -> Settled:
    """Return a job that was in flight, with what became of it."""
    flight = taken.flight
    return Settled(taken.raw, flight.source, fate, flight.owner, taken.delivery)
