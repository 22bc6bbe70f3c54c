"""The verification: walks all jobs, suspects, confirms each suspicion at one moment, and mends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ...checking import Doubt
from ...clock import wall
from ...errors import StoreError, StoreUnavailable, UndecodablePayload
from ...plugin import host
from ...store.flight import DeadLimits
from ..home import Connection, connection
from ..limits import dead_limits
from . import copies, owners, sets
from .finding import Finding, Report, Suspicion
from .jids import MOST, Jids
from .names import Names, names_of
from .places import places
from .reasons import stale_reasons

_TOLD = 1000  # findings of one kind; the others are counted


def verify(
    client: Any = None,
    *,
    mend: bool = False,
    dead_max_jobs: int | None = None,
    dead_timeout: float | None = None,
) -> Report:
    """Compare what is in Redis with what must be; with *mend*, mend what can be without losing anything.

    *client* as for :func:`kiq.api.connection`; the limits are those of the dead set, as for
    :class:`kiq.api.JobSet`. Workers may work meanwhile: what seems wrong is looked at again, at one moment,
    before it counts. Round trips: one for a thousand jobs or a megabyte, two for a thousand keys, some for
    each suspicion; as many again where jobs may be in two places. Memory: eight bytes for a job. Raises
    StoreUnavailable.
    """
    home, limits = connection(client), dead_limits(client, dead_max_jobs, dead_timeout)
    names = names_of(home)
    walk = _Walk(home, names, limits)
    suspicions = [*names.wrong, *walk.suspicions()]
    told = Counter[str]()
    findings, more = [], Counter[str]()
    for suspicion in suspicions:
        check = suspicion.finding.check
        try:
            found = _judged(suspicion, mend) if told[check] < _TOLD else None
        except StoreUnavailable:
            raise
        except StoreError as error:
            walk.unknown.append(f"{suspicion.finding.where}: {error}")
            continue
        if found is not None:
            told[check] += 1
            findings.append(found)
        elif told[check] >= _TOLD:
            more[check] += 1
    return Report(
        walk.jobs, names.looked_at, tuple(findings), more, (*names.unknown, *walk.unknown)
    )


def _judged(suspicion: Suspicion, mend: bool) -> Finding | None:
    """Return what was found, and mended if that was asked for; None where it is not so (any more)."""
    if not suspicion.confirmed():
        return None
    finding = suspicion.finding
    if not mend or suspicion.mend is None:
        return finding
    return replace(finding, mended=suspicion.mend())


@dataclass(slots=True)
class _Walk:
    """One pass over all that is there."""

    home: Connection
    names: Names
    limits: DeadLimits
    jobs: int = 0
    unknown: list[str] = field(default_factory=list)
    jids: Jids = field(default_factory=Jids)

    def suspicions(self) -> Iterator[Suspicion]:
        home, names = self.home, self.names
        in_sets = list(self._through())  # first: what follows asks what it has seen
        yield from self._try("owners", lambda: owners.lost_owners(home, names))
        yield from self._try("queues", lambda: sets.unlisted_queues(home, names))
        yield from self._try("counters", lambda: sets.counters(home))
        yield from self._try("reasons", lambda: stale_reasons(home))
        yield from in_sets
        repeated = self.jids.repeated(copies.MOST)
        yield from self._try("copies", lambda: copies.copies(home, names, repeated))
        if host.checks:
            yield from self._of_features()

    def _try(self, what: str, look: Callable[[], Iterable[Suspicion]]) -> Iterator[Suspicion]:
        try:
            yield from look()
        except StoreUnavailable:
            raise
        except StoreError as error:
            self.unknown.append(f"{what}: {error}")

    def _through(self) -> Iterator[Suspicion]:
        """Walk all jobs, remember their ids, and yield what can't wait where it does."""
        now, kept = wall(), Counter[str]()
        for place in places(self.home, self.names):
            self.jobs += 1
            waits = place.key in ("retry", "schedule")
            found = None
            try:
                jid = copies.jid_of(place.raw)
                self.jids.add(jid or repr(place))  # who has no id is nobody's copy
                found = sets.never_due(self.home, place, jid, now) if waits else None
            except UndecodablePayload as error:
                if waits:
                    found = sets.unreadable(self.home, place, str(error), self.limits)
            if found is not None and kept[found.finding.check] < 2 * _TOLD:
                kept[found.finding.check] += 1
                yield found
        if self.jobs > MOST:
            self.unknown.append(f"copies, beyond the first {MOST:,} jobs")

    def _of_features(self) -> Iterator[Suspicion]:
        """Yield what checks of features doubt in two surveys: jobs move while one is made."""
        first = self._doubts(_Survey(self.home, (self.jids,)))
        if not first:
            return
        again = Jids()
        for place in places(self.home, self.names, upstream=True):
            try:
                again.add(copies.jid_of(place.raw))
            except UndecodablePayload:
                continue
        again.repeated(0)  # sorts
        second = self._doubts(_Survey(self.home, (self.jids, again)))
        for each in first.keys() & second.keys():
            yield self._doubted(each[0], second[each])

    def _doubts(self, survey: _Survey) -> dict[tuple[str, str, str], Doubt]:
        found = {}
        for check in host.checks:
            try:
                for doubt in check.look(survey):
                    found[check.name, doubt.key, doubt.what] = doubt
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 (a feature's own)
                self.unknown.append(f"{check.name}: {type(error).__name__}: {error}")
        return found

    def _doubted(self, name: str, doubt: Doubt) -> Suspicion:
        def mend() -> str:
            return (
                f"took it away ({doubt.mend[0]})"
                if doubt.mend and self.home.call(doubt.mend)
                else ""
            )

        finding = Finding(name, doubt.key, doubt.what, doubt.do, mendable=doubt.mend is not None)
        return Suspicion(finding, lambda: True, mend if doubt.mend else None)


@dataclass(frozen=True, slots=True)
class _Survey:
    """What checks of features may ask."""

    home: Connection
    seen: tuple[Jids, ...]

    def call(self, command: tuple[Any, ...]) -> Any:
        return self.home.call(command)

    def knows(self, jid: str) -> bool:
        return any(jid in jids for jids in self.seen)
