"""The rules of ownership: which jobs in flight are ours, and which may start. Pure: no I/O, no clock.

Each rule stands for a job that somebody lost or ran twice (DESIGN, "In-flight record" and "Fetch").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from ..verdict import Flight, Permit, Taken

#: One counter for the process: an id names one delivery, whichever owner took it.
_calls = count(1)


@dataclass(slots=True)
class Reconciliation:
    """What to do after an outcome that nobody saw.

    *adopt*: in flight for us, though we don't know them; *drop*: we hold them, unstarted, but they
    are not ours any more.
    """

    adopt: dict[Flight, list[str]] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)


class Ownership:
    """What one owner knows to be its own: the ledger, its epoch, its permit.

    The ledger holds every delivery from the fetch that named it until its verdict is confirmed.
    Threads: whoever has the turn (the permit is shared, see there).
    """

    def __init__(self, owner: str, sources: Sequence[str]) -> None:
        self.owner = owner
        self.epoch = 1
        self.permit = Permit()
        self.flights = {source: Flight(owner, source, self.permit) for source in sources}
        self._ledger: dict[str, Taken] = {}
        self._handing_back: dict[str, Taken] = {}

    def __len__(self) -> int:
        return len(self._ledger)

    def __contains__(self, delivery: str) -> bool:
        return delivery in self._ledger

    def next_call(self) -> int:
        """Return a call number that no delivery id of this process has had."""
        return next(_calls)

    def flight(self, source: str) -> Flight:
        """Return the flight of *source*, made at its first use."""
        flight = self.flights.get(source)
        if flight is None:
            flight = self.flights[source] = Flight(self.owner, source, self.permit)
        return flight

    def took(self, jobs: Iterable[Taken]) -> None:
        """Enter *jobs* that a fetch (or a reconciliation) named."""
        ledger = self._ledger
        for taken in jobs:
            ledger[taken.delivery] = taken
            taken.flight.held += 1

    def settled(self, jobs: Iterable[Taken]) -> None:
        """Strike out *jobs*: their verdicts are confirmed, or they are known not to be ours."""
        ledger = self._ledger
        for taken in jobs:
            # A verdict that outlived its owner (fenced meanwhile) is none of this ledger's.
            if ledger.get(taken.delivery) is taken:
                del ledger[taken.delivery]
                taken.flight.held -= 1

    def handing_back(self, jobs: Iterable[Taken]) -> None:
        """Note that a hand-back of *jobs* is under way: until confirmed they may be on either side."""
        self._handing_back = {taken.delivery: taken for taken in jobs}

    def handed_back(self) -> None:
        """Strike out the jobs whose hand-back is confirmed."""
        self.settled(self._handing_back.values())
        self._handing_back = {}

    def agrees(self, flight: Flight, held: int) -> bool:
        """Tell whether Redis holds as many jobs for *flight* as the ledger does."""
        return flight.held == held

    def reconcile(
        self, epoch: int, held: Mapping[Flight, set[str]], unstarted: Iterable[Taken]
    ) -> Reconciliation:
        """Compare the ledger with what Redis holds in the new *epoch*.

        A flight that is missing in *held* could not be read: its jobs stay as they are.
        *unstarted* are the jobs that were taken out of the buffer for this. What has started, or has
        a verdict, is never adopted and never dropped: its verdict is sent (again).
        """
        self.epoch = epoch
        result = Reconciliation()
        for flight, ids in held.items():
            strange = [id_ for id_ in ids if id_ not in self._ledger or id_ in self._handing_back]
            if strange:
                result.adopt[flight] = sorted(strange, key=order_of)
        waiting = [*unstarted, *self._handing_back.values()]
        gone = [t for t in waiting if t.flight in held and t.delivery not in held[t.flight]]
        result.drop = [taken.delivery for taken in gone]
        self.settled(gone)
        self.settled(list(self._handing_back.values()))  # those still in flight come as adopted
        self._handing_back = {}
        return result

    def fence(self) -> int:
        """Stop being this owner: somebody declared it dead. Return how many jobs it knew of."""
        self.permit.fence()
        known = len(self._ledger)
        self._ledger = {}
        self._handing_back = {}
        for flight in self.flights.values():
            flight.held = 0
        return known


def order_of(delivery: str) -> tuple[int, int]:
    """Return the key that sorts delivery ids, oldest first: they are numbers, not text."""
    call, _, index = delivery.partition(".")
    return int(call), int(index)
