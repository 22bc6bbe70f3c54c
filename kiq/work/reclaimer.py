"""The reclaimer: gives the jobs of dead processes back to their queues."""

from __future__ import annotations

import logging
import threading

from .. import keys
from ..clock import steady
from ..errors import StoreError, StoreUnavailable
from ..kept import Kept
from ..store import owners, processes
from .outage import Outage
from .run_folder import RunFolder
from .worker import Worker

logger = logging.getLogger("kiq.reclaimer")

_LOOK = 1.0  # seconds between two looks at the locks of this machine
_ROUND = 2.0  # seconds between two looks at the leases
_STANDBY = 5.0  # seconds between two candidacies of a process that is not elected
_TERM = 15.0  # seconds that an election holds
_SWEEP = 3600.0  # seconds between two searches for hashes of unknown owners


class LeaseWatch:
    """Which owners are dead by their leases. Pure: times come in.

    Dead is whose lease is missing at two sightings more than a beat apart, while this process itself
    has been in touch with Redis for a whole lease without a gap: then it is not the watcher who was
    away, nor Redis.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._beat = lease / 6
        self._in_touch_since: float | None = None
        self._last_touch = 0.0
        self._missing: dict[str, float] = {}

    def touched(self, now: float) -> None:
        """Note that Redis answered at *now*."""
        if self._in_touch_since is None or now - self._last_touch > self._lease / 2:
            self._in_touch_since = now
            self._missing = {}
        self._last_touch = now

    def lost_touch(self) -> None:
        """Note that Redis did not answer: what was seen before counts for nothing."""
        self._in_touch_since = None
        self._missing = {}

    def judge(self, without_lease: list[str], now: float) -> list[str]:
        """Return which of the owners *without_lease* are dead."""
        self._missing = {owner: self._missing.get(owner, now) for owner in without_lease}
        if self._in_touch_since is None or now - self._in_touch_since < self._lease:
            return []
        return [owner for owner, first in self._missing.items() if now - first > self._beat]


class Reclaimer:
    """Looks for dead processes: on this machine by their locks, everywhere (if elected) by leases.

    Threads: its own; the launcher stops it.
    """

    def __init__(self, worker: Worker, run_folder: RunFolder) -> None:
        self.thread = Kept(self._run, "kiq-reclaimer")
        self._worker = worker
        self._folder = run_folder
        self._link = worker.connector.open()
        self._outage = Outage("reclaimer")
        self._watch = LeaseWatch(worker.lease)
        self._next_round = 0.0
        self._next_sweep = steady() + worker.lease
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End after the owner in hand."""
        self._stopping.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = _LOOK
            try:
                self._by_locks()
                if steady() >= self._next_round:
                    pause_of_role = _ROUND if self._by_leases() else _STANDBY
                    self._next_round = steady() + min(pause_of_role, self._worker.lease / 6)
                self._outage.over()
            except StoreError as error:
                pause = self._broke(error)
            except Exception as error:  # noqa: BLE001 (must outlive whatever happens)
                self._worker.report(error, {"context": "reclaimer"})
                pause = max(_LOOK, self._broke(error))
        self._leave()

    def _broke(self, error: Exception) -> float:
        self._link.close()
        self._watch.lost_touch()
        return self._outage.failed(error)

    def _by_locks(self) -> None:
        """Give back the jobs of processes of this machine whose locks are free: they are dead."""
        with self._folder.dead() as dead:
            if not dead:
                return
            host = self._worker.identity.split(":", 1)[0]
            for owner in owners.all_owners(self._link):
                if not owner.startswith(host + ":"):
                    continue
                record = owners.facts(self._link, owner)
                if any(process.owns(record) for process in dead):
                    self._give_back(owner, proven=True)

    def _by_leases(self) -> bool:
        """Look for owners whose leases have run out, if elected; return whether it is."""
        now = steady()
        term = min(_TERM, self._worker.lease)  # or a short lease would wait for a long election
        if not owners.elect(self._link, keys.RECLAIMER, self._worker.identity, term):
            self._watch.touched(now)
            self._watch.judge([], now)  # an old sighting must not count when it is elected again
            return False
        known = owners.all_owners(self._link)
        self._watch.touched(now)
        mine = self._worker.owners.active()
        others = [owner for owner in known if owner not in mine]
        for owner in self._watch.judge(owners.without_lease(self._link, others), steady()):
            self._give_back(owner, proven=False)
        self._prune()
        if steady() >= self._next_sweep:
            self._next_sweep = steady() + _SWEEP
            self._sweep(set(known))
        return True

    def _prune(self) -> None:
        try:
            processes.prune(self._link)
        except StoreUnavailable:
            raise
        except StoreError as error:
            # The list is for display: a key of another type there must not hold up who reclaims.
            logger.warning("the list of processes can't be tidied: %s", error)

    def _sweep(self, known: set[str]) -> None:
        """Find in-flight hashes of owners that nobody knows any more."""
        mine = self._worker.owners.active()
        strangers = {owner for _, owner in owners.orphans(self._link)} - known - set(mine)
        for owner in strangers:
            # One that registered meanwhile has a lease, and is left alone.
            self._give_back(owner, proven=False)

    def _give_back(self, owner: str, *, proven: bool) -> None:
        result = owners.reclaim(self._link, owner, proven=proven, crashed=True)
        if result is None:
            return
        if result.moved:
            logger.warning(
                "process %s was declared dead; its %d unfinished jobs will run again",
                result.process,
                result.moved,
            )
        else:
            logger.info("process %s was declared dead; it held no jobs", result.process)
        for problem in result.problems:
            logger.error("of dead process %s: %s; tried again later", result.process, problem)

    def _leave(self) -> None:
        try:
            owners.resign(self._link, keys.RECLAIMER, self._worker.identity)
        except StoreError as error:
            logger.debug("the reclaimer could not sign off: %s", error)
        finally:
            self._link.close()
