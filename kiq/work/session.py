"""A session: a part of this process as an owner that Redis knows. It registers, gives back, and leaves."""

from __future__ import annotations

from collections.abc import Iterable

from ..clock import steady
from ..errors import StoreUnavailable
from ..store import owners
from ..store.connection import Link
from ..store.owners import Reclaimed
from .owner import Owner, Phase
from .worker import Worker


class Session:
    """The owner that *part* of this process is at present, for jobs from *sources*.

    No name is used twice: a registration that nobody saw arrive may arrive late, even after a reclaim.
    Then a name in use would have its record back, and not learn that it was fenced.
    Threads: who has the lead, or the poller's.
    """

    def __init__(self, worker: Worker, part: str, sources: Iterable[str]) -> None:
        self._worker = worker
        self._part = part
        self._sources = list(sources)
        self._abandoned: list[str] = []  # earlier names, which Redis may know, with what they hold
        self.owner = self._new()

    @property
    def owing(self) -> bool:
        """Whether Redis may hold something for this process of which it does not know."""
        return bool(self._abandoned) or self.owner.phase not in (Phase.NEW, Phase.SURE)

    def serve(self, sources: Iterable[str]) -> None:
        """Take from *sources* as well, from now on: the record of the owner says so already."""
        self._sources += sources

    def register(self, link: Link) -> None:
        """Be known to Redis, with a lease. One round trip; raises StoreError."""
        owner, worker, sent_at = self.owner, self._worker, steady()
        try:
            owners.register(link, owner.name, worker.lease, list(owner.flights), worker.facts)
        except StoreUnavailable as error:
            if error.maybe_done:
                self._abandoned.append(owner.name)
            self.renew()
            raise
        owner.registered(worker.good_until(sent_at))
        worker.owners.add(owner)

    def widen(self, link: Link, sources: Iterable[str]) -> None:
        """Let Redis know that jobs of *sources* may be held, too, before any is. Raises StoreError.

        No round trip where it knows them all.
        """
        wider = list(dict.fromkeys([*self._sources, *sources]))
        if len(wider) > len(self._sources):
            owners.extend_sources(link, self.owner.name, wider)
            self._sources = wider  # those of the next name, too

    def renew(self) -> int:
        """Go on under a new name; return how many jobs the old one knew."""
        owner, self.owner = self.owner, self._new()
        self._worker.owners.remove(owner)
        return owner.falls()

    def abandon(self) -> None:
        """Go on under a new name; what the old one may hold goes back first."""
        if self.owner.phase is not Phase.NEW:
            self._abandoned.append(self.owner.name)
        self.renew()

    def give_back(self, link: Link) -> list[Reclaimed]:
        """Give back what abandoned names hold. No round trip as a rule; raises StoreError."""
        given: list[Reclaimed] = []
        rides = self._worker.riders.giving_back() if self._abandoned else None
        while self._abandoned:
            name, sources = self._abandoned.pop(), list(self.owner.flights)
            try:
                gone = owners.reclaim(
                    link, name, proven=True, crashed=False, sources=sources, rides=rides
                )
            except StoreUnavailable:
                self._abandoned.append(name)
                raise
            given += [gone] if gone else []
        return given

    def leave(self, link: Link) -> list[Reclaimed]:
        """Give back whatever is in flight for this owner, and be nobody. Raises StoreError."""
        self.abandon()
        return self.give_back(link)

    def _new(self) -> Owner:
        return Owner(self._worker.new_owner(self._part), self._sources)
