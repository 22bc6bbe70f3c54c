"""What is left for this worker to do: its queues, what is due, and what it has in hand."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import NamedTuple

from ... import keys
from ...api.fleet import read_fleet
from ...api.home import connection
from ...errors import StoreError
from ...process import WorkerProcess
from ...store.connection import Link

_LOOK = (resources.files("kiq.plugins.draining") / "look.lua").read_text("utf-8")
_COUNTS = 5  # in the reply, before the names of owners


class Left(NamedTuple):
    """How many jobs are where: *held* by this worker, *due* in time, *later* than that, in queues."""

    held: int
    due: int
    later: int
    paused: int
    waiting: int

    @property
    def nothing_to_do(self) -> bool:
        """Whether this worker has, and gets, no job."""
        return not (self.held or self.due or self.waiting)


class Look:
    """Looks at Redis. Threads: one."""

    def __init__(self, process: WorkerProcess, soon: float) -> None:
        """*soon*: what is due within so many seconds counts as something to do."""
        self._process = process
        self._queues: list[str] = []
        self._identity = process.identity
        self._prefix = process.identity.rpartition(":")[0] + ":"
        self._soon = soon
        self._home = connection(process.config.redis)
        self._owners: list[str] | None = None
        self._hashes: list[str] = []

    def at(self, link: Link) -> Left | None:
        """Return what is left; None when it can't be told now. One round trip, two more at times.

        Raises StoreError.
        """
        served = list(self._process.taken())
        if served != self._queues:  # a feature found others
            self._queues, self._owners = served, None
        lists = [(keys.queue(each), name) for name in self._queues for each in keys.bands(name)]
        names = (
            *(keys.PAUSED, keys.OWNERS, keys.SCHEDULE, keys.RETRY),
            *(key for key, _ in lists),
            *self._hashes,
        )
        queues = [name for _, name in lists]
        reply = link.call(("EVAL", _LOOK, len(names), *names, len(lists), self._soon, *queues))
        owners = sorted(self._ours(reply[_COUNTS:]))
        if owners == self._owners:
            return Left(*map(int, reply[:_COUNTS]))
        # Not the ones that were looked at: what they hold is unknown.
        self._hashes = self._hashes_of(link, owners)
        self._owners = owners
        return None

    def orphaned(self) -> int:
        """Return how many jobs of these queues are in the hands of processes that are dead, or seem to be.

        They come back when a worker notices. Four round trips as a rule. Raises StoreError.
        """
        fleet = read_fleet(self._home)
        return sum(
            count
            for owner in fleet.everyone()
            if owner.identity != self._identity and not owner.lives
            for key, count in owner.held.items()
            if self._is_served(key)
        )

    def _is_served(self, key: str) -> bool:
        found = keys.source_and_owner(key)
        return found is not None and keys.queue_name(found[0]) in self._queues

    def _ours(self, raws: Sequence[bytes]) -> list[str]:
        names = [raw.decode(errors="replace") for raw in raws]
        return [name for name in names if name.startswith(self._prefix)]

    def _lists(self) -> list[str]:
        return [keys.queue(each) for name in self._queues for each in keys.bands(name)]

    def _hashes_of(self, link: Link, owners: Sequence[str]) -> list[str]:
        """Return the keys of what *owners* hold, as far as they are this process."""
        found: list[str] = []
        records = [("HMGET", keys.record(owner), "identity", "sources") for owner in owners]
        for owner, values in zip(owners, link.exchange(records) if records else (), strict=True):
            if isinstance(values, StoreError):
                raise values
            identity, sources = ((each or b"").decode(errors="replace") for each in values)
            if identity == self._identity:  # in a container the pid of the one before may be ours
                known = [*sources.split("\n"), *self._lists()]
                found += [keys.inflight(source, owner) for source in dict.fromkeys(known) if source]
        return found
