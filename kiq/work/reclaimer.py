"""The reclaimer: gives the jobs of dead processes back to their queues."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .. import keys
from ..clock import steady
from ..errors import StoreError, StoreUnavailable
from ..store import elections, owners, processes
from ..store.owners import Sighting
from .absence import Absence, round_of
from .duty import Duty
from .loop import Loop
from .run_folder import DeadProcess, RunFolder
from .worker import Worker

logger = logging.getLogger("kiq.reclaimer")

_LOOK = 1.0  # seconds between two looks at the locks of this machine
_STANDBY = 2.0  # seconds between two candidacies of a process that is not elected
_STANDBY_CALLS = 200  # a second, of the whole fleet
_TERM = 6.0  # seconds that an election holds
_LONGEST_TERM = 30.0  # seconds: no election holds for longer than this
_SWEEP = 3600.0  # seconds between two searches for hashes of unknown owners


class Reclaimer:
    """Looks for dead processes: on this machine by their locks, everywhere (if elected) by leases.

    Threads: its loop's.
    """

    def __init__(self, worker: Worker, run_folder: RunFolder) -> None:
        self._worker = worker
        self._folder = run_folder
        self._link = worker.connector.open()
        self._duty = Duty(
            worker,
            keys.RECLAIMER,
            "looks for dead processes",
            term=min(_TERM, worker.lease),
            longest=_LONGEST_TERM,
        )
        self._next_round = 0.0
        self._next_sweep = steady() + worker.lease
        self._strangers: set[str] = set()  # lock files of dead processes of other databases
        self._stated: set[str] | None = None  # owners whose records name a lock that was taken anew
        self.loop = Loop(
            worker, "reclaimer", self._turn, lost=self._link.close, leave=self._leave, rest=_LOOK
        )

    def _turn(self) -> float:
        if self._link.is_stale():
            self._link.close()  # Redis closes what is idle: that is no outage
        self._keep_lock()
        self._by_locks()
        if steady() >= self._next_round:
            self._next_round = steady() + self._by_leases()
        return max(0.05, min(_LOOK, self._next_round - steady()))

    def _keep_lock(self) -> None:
        """See to it that our own lock is where others look for it, and that our owners' records name it."""
        facts = self._folder.keep()
        if facts:
            self._worker.facts = {**self._worker.facts, **facts}
            self._stated = set()
        if self._stated is not None:  # it was taken anew
            for owner in self._worker.owners.active().keys() - self._stated:
                owners.state(self._link, owner, self._worker.facts)
                self._stated.add(owner)

    def _by_locks(self) -> None:
        """Give back the jobs of processes of this machine whose locks are free: they are dead."""
        dead = self._folder.free(but=self._strangers)
        known = owners.all_owners(self._link) if dead else []
        for name in dead:
            with self._folder.proof(name) as process:
                if process is None:
                    continue
                candidates = [owner for owner in known if process.may_own(owner)]
                found, left = self._recover(process, candidates)
                if (found or process.ours) and not left:
                    self._folder.remove(name)
                elif not found:
                    self._strangers.add(name)

    def _recover(self, process: DeadProcess, candidates: Sequence[str]) -> tuple[bool, bool]:
        """Give back what *process* held; return whether one of *candidates* was its, and some is left."""
        found = left = False
        for owner in candidates:
            record = owners.facts(self._link, owner)
            if record.get("lock") != process.facts["lock"]:
                continue
            found = True
            # As we see the file it may prove nothing (another device, say); others may see it better.
            if not process.owns(record) or self._give_back(owner, proven=True) is not None:
                left = True
        return found, left

    def _by_leases(self) -> float:
        """Look for owners whose leases have run out, if elected; return when to look again, in seconds."""
        if not self._duty.take(self._link):
            return max(_STANDBY, self._worker.fleet / _STANDBY_CALLS)
        known = owners.all_owners(self._link)
        problem: object = None
        # Our own among them: that we beat for them is looked at, too, and not assumed.
        for owner, sighting in owners.look_at(self._link, known).items():
            try:
                problem = self._judge(owner, sighting) or problem
            except StoreUnavailable:
                raise
            except StoreError as error:  # of this owner: the others go on
                problem = error
        if problem is not None:
            self._duty.fail(self._link, problem)
        self._prune()
        if steady() >= self._next_sweep:
            self._next_sweep = steady() + _SWEEP
            self._sweep()
        return round_of(self._worker.lease)

    def _judge(self, owner: str, sighting: Sighting | StoreError) -> str | None:
        """Give back what *owner* has if it is certainly dead; return what is in the way of some of it."""
        if isinstance(sighting, StoreError):
            raise sighting
        if not sighting.known:
            # Nobody can beat for it, unless it has left meanwhile.
            left = owner not in owners.all_owners(self._link)
            return None if left else self._give_back(owner, proven=False)
        if sighting.leased:
            return None
        absence = Absence.read(sighting.note).seen(sighting.now, sighting.lease)
        note = str(absence)
        noted = owners.note_absence(self._link, owner, sighting, note)
        dead = noted and absence.proves_death
        return self._give_back(owner, proven=False, note=note) if dead else None

    def _prune(self) -> None:
        try:
            processes.prune(self._link)
        except StoreUnavailable:
            raise
        except StoreError as error:
            # The list is for display: a key of another type there must not hold up who reclaims.
            logger.warning("the list of processes can't be tidied: %s", error)

    def _sweep(self) -> None:
        """Find in-flight hashes of owners that nobody knows any more; drop what is long over."""
        owners.tidy(self._link)
        found: dict[str, list[str]] = {}
        for source, owner in owners.orphans(self._link):
            found.setdefault(owner, []).append(source)
        for owner in found.keys() - set(owners.all_owners(self._link)):
            self._give_back(owner, proven=False, sources=found[owner])

    def _give_back(
        self, owner: str, *, proven: bool, note: str = "", sources: Sequence[str] = ()
    ) -> str | None:
        """Give back what *owner* has in flight; return what is in the way of some of it."""
        result = owners.reclaim(
            self._link,
            owner,
            proven=proven,
            crashed=True,
            note=note,
            sources=sources,
            rides=self._worker.riders.giving_back(),
        )
        if result is None:
            return None
        self._worker.reclaimed += result.moved
        if proven:
            elections.vacate(self._link, result.process)
        if result.moved:
            logger.warning(
                "process %s was declared dead; its %d unfinished jobs will run again",
                result.process,
                result.moved,
            )
        elif result.complete:
            logger.info("process %s was declared dead; it held no jobs", result.process)
        for problem in result.problems:
            logger.error("of dead process %s: %s; tried again later", result.process, problem)
        if result.complete:
            return None
        return f"process {result.process} is dead, and its jobs are not all back"

    def _leave(self) -> None:
        try:
            self._duty.resign(self._link)
        except StoreError as error:
            logger.debug("the reclaimer could not sign off: %s", error)
        finally:
            self._link.close()
