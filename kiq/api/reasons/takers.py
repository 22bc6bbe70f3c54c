"""Who takes from a queue: the capsules of the fleet that have it, and whether they can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import shown
from ..fleet import Owner
from ..process_set import Process


@dataclass(frozen=True, slots=True)
class Taker:
    """A capsule of a process that takes from the queue."""

    process: Process
    capsule: str
    owner: Owner | None

    @property
    def places(self) -> int:
        """How many jobs it can run at a time."""
        if self.owner is not None:
            return self.process.places_of(self.owner)
        return self.process.concurrency

    @property
    def jobs(self) -> int:
        """How many it holds."""
        return self.owner.jobs if self.owner is not None else self.process.busy

    def above(self, queue: str) -> list[str]:
        """Return the queues that go before *queue*, in strict order; none in another mode."""
        capsule = self.process.capsules.get(self.capsule, {})
        weights = capsule.get("weights")
        if capsule.get("mode") != "strict" or not isinstance(weights, dict):
            return []
        names = shown.texts(list(weights))
        return names[: names.index(queue)] if queue in names else []


class Takers:
    """The processes that there are, seen from one *queue*."""

    def __init__(self, queue: str, everyone: Sequence[Process]) -> None:
        self.queue = queue
        self.everyone = [process for process in everyone if not process.is_dead]
        self.of_queue = [process for process in self.everyone if queue in process.queues]
        #: Those that take jobs now.
        self.awake = [p for p in self.of_queue if not p.is_silent and not p.is_quiet]
        self.capsules = [one for process in self.awake for one in _capsules(process, queue)]

    @property
    def other_queues(self) -> list[str]:
        """The queues that somebody takes."""
        return sorted({name for process in self.everyone for name in process.queues})

    @property
    def places(self) -> int:
        """How many jobs of it can run at a time, beside others."""
        return sum(one.places for one in self.capsules)

    @property
    def full(self) -> bool:
        """Whether each of them holds as many jobs as it can run."""
        return bool(self.capsules) and all(one.jobs >= one.places for one in self.capsules)


def _capsules(process: Process, queue: str) -> list[Taker]:
    owners = {owner.capsule: owner for owner in process.owners or ()}
    named = [
        name
        for name, capsule in process.capsules.items()
        if queue in shown.texts(list(capsule.get("weights") or ()))
    ]
    if named:
        return [Taker(process, name, owners.get(name)) for name in named]
    return [Taker(process, "default", owners.get("default"))]
