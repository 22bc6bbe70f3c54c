"""Who may hold jobs in flight: in the set of owners, with a record that says what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ... import keys
from ...plugin import host
from ...riders import Riders
from ...store import owners
from ...store.connection import Link
from .. import scripts
from ..home import Connection
from .finding import Finding, Suspicion
from .names import Names

_NEEDED = ("epoch", "beat", "lease", "sources")


def lost_owners(home: Connection, names: Names) -> Iterator[Suspicion]:
    """Yield owners without a record, jobs in flight without an owner, and records that say too little."""
    listed = [name.decode(errors="replace") for name in home.call(("SMEMBERS", keys.OWNERS))]
    held: dict[str, list[str]] = {}
    for key in names.in_flight:
        found = keys.source_and_owner(key)
        if found is not None:
            held.setdefault(found[1], []).append(found[0])
    for owner in dict.fromkeys((*listed, *held)):
        if owner not in names.records and owner not in names.lapsed:
            yield _without_record(home, owner, held.get(owner, []))
    for owner in names.records:
        if owner not in listed:
            yield _unlisted(home, owner)
        yield from _silent(home, owner, held.get(owner, []))


def _state(home: Connection, owner: str, sources: Sequence[str] = ()) -> list[int]:
    """Return whether *owner* has a record, a lapsed one, is listed; how many jobs it holds."""
    hashes = [keys.inflight(source, owner) for source in sources]
    names = (keys.record(owner), keys.lapsed(owner), keys.OWNERS, *hashes)
    return list(map(int, home.call(scripts.verify_owner(names, (owner,)))))


def _without_record(home: Connection, owner: str, sources: Sequence[str]) -> Suspicion:
    def confirmed() -> bool:
        record, lapsed, listed, jobs = _state(home, owner, sources)
        return not record and not lapsed and bool(listed or jobs)

    def mend() -> str:
        given = home.with_link(partial(_give_back, owner=owner, sources=sources))
        if given is None:
            return ""
        return f"gave {given.moved} jobs back to their queues" if given.moved else "forgot its name"

    what = "it has no record, so that nothing says whether it lives, or gives its jobs back at once"
    check = "in-flight-without-owner" if sources else "owner-without-record"
    where = f"owner {owner}"
    do = "its jobs go back to their queues, and those that had started run again"
    return Suspicion(
        Finding(check, where, what, do if sources else "", mendable=True), confirmed, mend
    )


def _give_back(link: Link, *, owner: str, sources: Sequence[str]) -> owners.Reclaimed | None:
    rides = Riders(host, host.report).giving_back()
    return owners.reclaim(
        link, owner, proven=False, crashed=True, sources=sources or [keys.queue("")], rides=rides
    )


def _unlisted(home: Connection, owner: str) -> Suspicion:
    def confirmed() -> bool:
        record, _, listed, _ = _state(home, owner)
        return bool(record) and not listed

    def mend() -> str:
        names = (keys.record(owner), keys.OWNERS)
        return "listed it" if home.call(scripts.verify_list(names, (owner,))) else ""

    what = f"it is not in {keys.OWNERS}: nobody would miss it when it dies"
    return Suspicion(
        Finding("owner-unlisted", f"owner {owner}", what, "", mendable=True), confirmed, mend
    )


def _silent(home: Connection, owner: str, sources: Sequence[str]) -> Iterator[Suspicion]:
    """Yield that a record lacks what recovery goes by, or a source of which its owner holds jobs."""
    record = keys.record(owner)
    facts = dict(zip(_NEEDED, home.call(("HMGET", record, *_NEEDED)), strict=True))
    if not any(fact is not None for fact in facts.values()):
        return  # it left meanwhile
    absent = [name for name, fact in facts.items() if fact is None]
    if absent:
        what = f"its record has no {', '.join(absent)}: it can't be told whether it lives"
        do = "restart that process: its next record is whole"
        yield Suspicion(
            Finding("record-incomplete", f"owner {owner}", what, do),
            lambda: None in home.call(("HMGET", record, *absent)) and _state(home, owner)[0] == 1,
        )
    listed = (facts["sources"] or b"").decode(errors="replace").split("\n")
    for source in sources:
        if source not in listed:
            yield _unlisted_source(home, owner, source)


def _unlisted_source(home: Connection, owner: str, source: str) -> Suspicion:
    record, held = keys.record(owner), keys.inflight(source, owner)

    def confirmed() -> bool:
        there, _, _, jobs = _state(home, owner, (source,))
        (known,) = home.call(("HMGET", record, "sources"))
        return bool(there and jobs) and source not in (known or b"").decode().split("\n")

    def mend() -> str:
        done = home.call(scripts.verify_source((record, held), (source,)))
        return "wrote it into its record" if done else ""

    what = (
        f"it holds jobs of {source}, which its record does not name: they would stay when it dies"
    )
    return Suspicion(
        Finding("source-unlisted", f"owner {owner}", what, "", mendable=True), confirmed, mend
    )
