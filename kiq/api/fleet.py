"""Who holds jobs, and whether they live, as it is now: leases, owner records, locks of this machine.

What a process shows of itself is as old as its last beat, and is there for a minute after its death.
These facts are what recovery goes by. Looking at them writes nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import keys
from ..errors import StoreError, StoreUnavailable
from ..machine import boot_id, run_folder
from ..store.owners import leased
from .home import Connection

_PAGE = 200  # owners that one round trip reads
_FIELDS = ("identity", "sources", "lock", "lock_device", "lock_inode", "boot_id", "beat", "lease")


@dataclass(frozen=True, slots=True)
class Owner:
    """A capsule of a process (*identity*), or its poller.

    *leased* and *lapsed*: whether it has a lease, and whether its jobs are being given back. *gone*: its
    process is proven dead. *held* is how many jobs each in-flight hash of a queue has.
    """

    name: str
    identity: str
    leased: bool
    lapsed: bool
    gone: bool
    held: Mapping[str, int] = field(default_factory=dict)

    @property
    def capsule(self) -> str:
        """The name of its capsule."""
        return self.name.split(":", 3)[-1]

    @property
    def jobs(self) -> int:
        """How many jobs it holds."""
        return sum(self.held.values())

    @property
    def lives(self) -> bool:
        """Whether nothing says that it is dead, and its lease says that it lives."""
        return self.leased and not self.lapsed and not self.gone


class Fleet:
    """The owners that are known at this moment. *known* is False where they can't be read."""

    def __init__(self, owners: Iterable[Owner] = (), *, known: bool = True) -> None:
        self.known = known
        self._of: dict[str, list[Owner]] = {}
        for owner in owners:
            self._of.setdefault(owner.identity, []).append(owner)

    def owners_of(self, identity: str) -> Sequence[Owner]:
        """Return the owners that the process *identity* is."""
        return self._of.get(identity, ())

    @property
    def dead(self) -> frozenset[str]:
        """The names of owners that are dead, or being given back, whatever their leases say."""
        return frozenset(owner.name for owner in self.everyone() if owner.lapsed or owner.gone)

    @property
    def leased(self) -> frozenset[str]:
        """The names of owners that have a lease."""
        return frozenset(owner.name for owner in self.everyone() if owner.leased)

    def everyone(self) -> Iterator[Owner]:
        """Yield all owners."""
        return (owner for owners in self._of.values() for owner in owners)


def read_fleet(home: Connection) -> Fleet:
    """Read who holds jobs. Three round trips, some more for more than 200 owners.

    What Redis refuses to this user makes the fleet unknown. Raises StoreUnavailable.
    """
    (names,) = home.replies((("SMEMBERS", keys.OWNERS),))
    if isinstance(names, StoreUnavailable):
        raise names
    if isinstance(names, StoreError):
        return Fleet(known=False)
    owners = sorted(name.decode(errors="replace") for name in names)
    found: list[Owner] = []
    for first in range(0, len(owners), _PAGE):
        found += _read(home, owners[first : first + _PAGE])
    return Fleet(found)


def _read(home: Connection, names: Sequence[str]) -> list[Owner]:
    places = [place for name in names for place in (keys.record(name), keys.lapsed(name))]
    *replies, time = home.replies([*(("HMGET", place, *_FIELDS) for place in places), ("TIME",)])
    records = [_record(replies[2 * at], replies[2 * at + 1]) for at in range(len(names))]
    hashes = [
        keys.inflight(source, name)
        for name, (record, _) in zip(names, records, strict=True)
        for source in _queues_of(record)
    ]
    sizes = (
        dict(zip(hashes, home.replies([("HLEN", each) for each in hashes]), strict=True))
        if hashes
        else {}
    )
    made = []
    for at, (name, (record, lapsed)) in enumerate(zip(names, records, strict=True)):
        held = {each: sizes[each] for each in (keys.inflight(s, name) for s in _queues_of(record))}
        there = {each: size for each, size in held.items() if isinstance(size, int) and size}
        # What can't be read is no sign of death.
        unread = isinstance(time, StoreError) or isinstance(replies[2 * at], StoreError)
        lives = unread or _has_lease(record, time)
        made.append(Owner(name, record.get("identity", ""), lives, lapsed, is_gone(record), there))
    return made


def _has_lease(record: Mapping[str, str], time: Sequence[bytes]) -> bool:
    now = int(time[0]) + int(time[1]) / 1e6
    return leased(record.get("beat", ""), record.get("lease", ""), now)


def _record(record: Any, lapsed: Any) -> tuple[dict[str, str], bool]:
    """Return the facts of an owner, and whether they are those of one that is being given back."""
    for values, gives_back in ((record, False), (lapsed, True)):
        if isinstance(values, list) and values[1] is not None:
            texts = [(value or b"").decode(errors="replace") for value in values]
            return dict(zip(_FIELDS, texts, strict=True)), gives_back
    return {}, False


def _queues_of(record: Mapping[str, str]) -> list[str]:
    return [s for s in record.get("sources", "").split("\n") if keys.queue_name(s) is not None]


def is_gone(record: Mapping[str, str]) -> bool:
    """Tell whether the process that wrote *record* is proven dead: it was here, and its lock is free.

    A shared lock for a moment, on a file that is there: nothing is made or changed.
    """
    name, boot = record.get("lock", ""), record.get("boot_id", "")
    if not name or os.sep in name or not boot or boot != boot_id():
        return False
    try:
        descriptor = os.open(run_folder() / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False  # a missing file proves nothing
    try:
        there = os.fstat(descriptor)
        if [str(there.st_dev), str(there.st_ino)] != [record["lock_device"], record["lock_inode"]]:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False  # a live process holds it
    else:
        return True
    finally:
        os.close(descriptor)
