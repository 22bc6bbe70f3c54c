"""Jobs that are in two places: each must be in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...codec import decode
from ...errors import UndecodablePayload
from .. import scripts
from ..home import Connection
from .finding import Finding, Suspicion
from .jids import Jids
from .names import Names
from .places import Place, places

#: So many jobs are looked at for copies, the others when these are mended.
MOST = 1000
_LARGE = 1 << 20  # bytes: a larger one is not kept in memory to be compared
_RANK = {"hash": 0, "list": 1, "zset": 2}
_LOOK, _MEND = 0, 1


def jid_of(raw: bytes) -> str:
    """Return the id of a job by its bytes; "" where it has none. Raises UndecodablePayload."""
    jid = decode(raw)[0].get("jid")
    return jid if isinstance(jid, str) else ""


def copies(home: Connection, names: Names, repeated: Jids) -> Iterator[Suspicion]:
    """Yield the jobs that seem to be in two places: walks all of them once more if there may be some."""
    if not repeated.size:
        return
    found: dict[str, dict[Place, int]] = {}
    for place in places(home, names):
        try:
            jid = jid_of(place.raw)
        except UndecodablePayload:
            continue
        if jid in repeated and len(place.member) <= _LARGE:
            there = found.setdefault(jid, {})
            there[place] = there.get(place, 0) + 1
    for jid, there in found.items():
        if sum(there.values()) > 1:
            yield _copied(home, jid, sorted(there, key=lambda place: _RANK[place.kind]))


def _copied(home: Connection, jid: str, there: Sequence[Place]) -> Suspicion:
    equal = len({place.raw for place in there}) == 1
    name = decode(there[0].raw)[0]["class"]
    shown = " and ".join(str(place) for place in there)
    what = f"{name} is {shown}" if len(there) > 1 else f"{name} is twice {shown}"
    do = "they are the same to the last byte" if equal else (
        "they differ: look at both, and delete the one that is not to run"
    )  # fmt: skip

    def mend() -> str:
        gone = home.call(_script(there, _MEND))[1]
        return f"kept the one {there[0]}, and took out {gone}" if gone else ""

    return Suspicion(
        Finding("in-two-places", f"job {jid}", what, do, mendable=equal),
        lambda: bool(home.call(_script(there, _LOOK))[0] > 1),
        mend if equal else None,
    )


def _script(there: Sequence[Place], act: int) -> tuple[object, ...]:
    arguments: list[object] = [act]
    for place in there:
        arguments += (place.kind, place.member, place.delivery)
    return scripts.verify_copies([place.key for place in there], arguments)
