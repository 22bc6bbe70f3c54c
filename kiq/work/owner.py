"""The owner: whose jobs in flight they are, what is certain about them, which may start. Pure.

Each rule stands for a job that somebody lost or ran twice (DESIGN, "In-flight record" and "Fetch").
There is no I/O and no clock here, so that ``tests/model`` can try this very class in every order of events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import count

from ..verdict import Flight, Permit, Taken

#: One counter for the process: an id names one delivery, whichever owner took it.
_calls = count(1)


class Phase(Enum):
    """What an owner knows of where it stands. Its methods say from which phase to which they lead.

    A fence is none of them: it comes at any moment, from any thread, and holds.
    """

    NEW = 0  # Redis does not know it yet
    SURE = 1  # the ledger holds what Redis holds, as far as anybody has seen
    ASKING = 2  # one write is under way: its replies have not been read
    UNSURE = 3  # of something nobody saw the outcome: before anything else, a new epoch
    COMPARING = 4  # it has begun; what Redis holds in it is being listed
    ADOPTING = 5  # what is there and was not known is being read


@dataclass(slots=True)
class Reconciliation:
    """What to do after an outcome that nobody saw.

    *adopt*: in flight for us, though we don't know them; *drop*: we hold them, unstarted, but they
    are not ours any more; *returned*, of these: our hand-back did arrive.
    """

    adopt: dict[Flight, list[str]] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    returned: set[str] = field(default_factory=set)


class Owner:
    """What one owner knows: its phase, its epoch, its permit, and in its ledger what is its own.

    The ledger holds every delivery from the fetch that named it until its verdict is confirmed.
    Threads: who has the lead; :meth:`fence` any, and the permit is shared (see there).
    """

    __slots__ = (
        "_handing_back",
        "_ledger",
        "epoch",
        "fenced",
        "flights",
        "name",
        "permit",
        "phase",
    )

    def __init__(self, name: str, sources: Iterable[str]) -> None:
        self.name = name
        self.phase = Phase.NEW
        self.epoch = 1
        self.permit = Permit()
        self.fenced = False  # somebody declared it dead: that holds for ever
        self.flights = {source: Flight(name, source, self.permit) for source in sources}
        self._ledger: dict[str, Taken] = {}
        self._handing_back: dict[str, Taken] = {}

    def __len__(self) -> int:
        return len(self._ledger)

    def __contains__(self, delivery: str) -> bool:
        return delivery in self._ledger

    # The phase

    @property
    def sure(self) -> bool:
        """Whether it may ask Redis for jobs: it is registered, certain, and nobody declared it dead."""
        return self.phase is Phase.SURE and not self.fenced

    def registered(self, until: float) -> None:
        """Be known to Redis; jobs may start *until* then (see :class:`Permit`)."""
        self._move(Phase.NEW, Phase.SURE)
        self.permit.extend(until)

    def asks(self) -> None:
        """Send a write: until its replies are read nobody knows what Redis holds. One at a time."""
        self._move(Phase.SURE, Phase.ASKING)

    def answered(self) -> None:
        """Have the replies to the write."""
        self._move(Phase.ASKING, Phase.SURE)

    def doubts(self) -> None:
        """Note that something may or may not have happened: reconcile before anything else."""
        if self.phase is not Phase.NEW:
            self.phase = Phase.UNSURE

    def begins(self, epoch: int) -> None:
        """Be in *epoch* from now on: nothing that an older connection sent can act any more."""
        self._move(Phase.UNSURE, Phase.COMPARING)
        self.epoch = epoch

    def adopted(self) -> None:
        """Have read all that a reconciliation found."""
        self._move(Phase.ADOPTING, Phase.SURE)

    def hears(self, state: str) -> bool:
        """Take in what a script answered about this owner; False when it did nothing else."""
        if state == "fenced":
            self.fence()
        elif state == "stale":
            self.doubts()
        return state == "ok"

    def fence(self) -> None:
        """Note that somebody declared this owner dead. Any thread."""
        self.fenced = True

    def falls(self) -> int:
        """Be nobody's any more: let nothing start, know of nothing. Return how many jobs it knew of."""
        self.fence()
        self.permit.fence()
        known = len(self._ledger)
        self._ledger = {}
        self._handing_back = {}
        for flight in self.flights.values():
            flight.held = 0
        return known

    def _move(self, at: Phase, to: Phase) -> None:
        if self.phase is not at:
            raise RuntimeError(f"owner {self.name} can't be {to.name}: it is {self.phase.name}")
        self.phase = to

    # The ledger

    def next_call(self) -> int:
        """Return a call number that no delivery id of this process has had."""
        return next(_calls)

    def flight(self, source: str) -> Flight:
        """Return the flight of *source*, made at its first use."""
        flight = self.flights.get(source)
        if flight is None:
            flight = self.flights[source] = Flight(self.name, source, self.permit)
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

    def compare(self, flights: Sequence[Flight], held: Sequence[int]) -> bool:
        """Tell whether Redis holds as many jobs as the ledger; reconcile where it doesn't.

        A number below 0 is of a flight that could not be looked at.
        """
        for flight, number in zip(flights, held, strict=True):
            if number >= 0 and flight.held != number:
                self.doubts()
                return False
        return True

    def reconcile(
        self, held: Mapping[Flight, set[str]], unstarted: Iterable[Taken]
    ) -> Reconciliation:
        """Compare the ledger with what Redis holds in the epoch that has begun.

        A flight that is missing in *held* could not be read: its jobs stay as they are.
        *unstarted* are the jobs that were taken out of the inbox for this. What has started, or has
        a verdict, is never adopted and never dropped: its verdict is sent (again).
        """
        result = Reconciliation()
        for flight, ids in held.items():
            strange = [id_ for id_ in ids if id_ not in self._ledger or id_ in self._handing_back]
            if strange:
                result.adopt[flight] = sorted(strange, key=order_of)
        waiting = [*unstarted, *self._handing_back.values()]
        gone = [t for t in waiting if t.flight in held and t.delivery not in held[t.flight]]
        result.drop = [taken.delivery for taken in gone]
        # Nobody else takes out what an owner has that has its record.
        result.returned = self._handing_back.keys() & set(result.drop)
        self.settled(gone)
        self.settled(list(self._handing_back.values()))  # those still in flight come as adopted
        self._handing_back = {}
        self._move(Phase.COMPARING, Phase.ADOPTING if result.adopt else Phase.SURE)
        return result


def order_of(delivery: str) -> tuple[int, int]:
    """Return the key that sorts delivery ids, oldest first: they are numbers, not text."""
    call, _, index = delivery.partition(".")
    return int(call), int(index)
