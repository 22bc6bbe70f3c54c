"""The fleet: what a parent knows of its children, and what is to be done about them now. Pure.

There is no I/O and no clock here: what is seen is told to it, with the time (seconds, steady clock), and it
answers with orders. So the tests can try it in every order of events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .members import GiveUp, Member, Order, Phase, Remark, Start, Tell, Told

#: Seconds until a child is tried again that could not be one.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LONGEST_REST = 2.0  # ... and one that died as soon as it took jobs
_SHORT_LIFE = 1.0  # seconds: who dies sooner after it was ready is replaced after a pause, too
_MOST_FAILURES = 5  # in a row, of the whole fleet, while no child takes jobs
_HARD_SHARE = 1.5  # of max_memory: beyond it a child is killed, before the kernel chooses whom
#: Seconds: a child's main thread comes round every second. Half a lease after its last sign, and a sixth
#: of it later at most, somebody else beats.
_SILENCE, _LEAST_SILENCE = 10.0, 3.0
_BEYOND = 8.0  # seconds beyond the deadline of a stop: a child cuts off itself after five
_RESTART = "a rolling restart was ordered"
#: Seconds between two looks: the machine slept, or was starved, and its children as well.
_SLEPT = 10.0


@dataclass(slots=True)
class _Slot:
    number: int
    failures: int = 0  # in a row
    not_before: float = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a fleet goes by. Bytes, runs, seconds; 0 is no limit of *memory*."""

    processes: int
    memory: int = 0
    boot_timeout: float = 60.0
    shutdown_timeout: float = 25.0
    max_silence: float = 300.0
    lease: float = 20.0


@dataclass(slots=True)
class Fleet:
    """All children of a parent. Threads: the parent's one."""

    limits: Limits
    members: dict[int, Member] = field(default_factory=dict)  # by pid
    quiet: bool = False
    stopping: bool = False
    _slots: list[_Slot] = field(default_factory=list)
    _failures: int = 0  # in a row, of all slots, since one was ready
    _code: int = 0
    _looked: float = float("-inf")
    _awake_since: float = float("-inf")
    _memory_counts: bool = True
    renewal_failed: bool = False  # no new child came up, the old ones stay

    def __post_init__(self) -> None:
        self._slots = [_Slot(number) for number in range(1, self.limits.processes + 1)]

    # What happened

    def started(self, member: Member) -> None:
        """Note a child that was forked, or taken over."""
        member.since = member.since or member.born
        self.members[member.pid] = member

    def not_started(self, slot: int, now: float) -> None:
        """Note that none could be forked."""
        self._fails(self._slots[slot - 1], now)

    def seen(self, pid: int, phase: Phase, beat: float, now: float) -> None:
        """Note how far a child has come, and when it said so last."""
        member = self.members[pid]
        member.beat = beat
        if phase is not member.phase:
            member.phase, member.since = phase, now
            if phase is Phase.READY:
                self._failures = 0
        elif phase < Phase.READY:
            member.since = max(member.since, beat)

    def ended(self, pid: int, code: int, now: float) -> Member:
        """Note that a child has ended, with its exit code, or minus the signal that ended it."""
        member = self.members.pop(pid)
        if member.slot > len(self._slots):
            return member  # there are fewer places than when it was started
        slot = self._slots[member.slot - 1]
        if self.stopping or member.told in (Told.FINISH, Told.STOP):
            return member
        if member.phase < Phase.READY:
            self._code = code if code > 0 else self._code
            self._fails(slot, now)
        elif now - member.since < _SHORT_LIFE:
            slot.failures += 1
            slot.not_before = now + min(_pause(slot.failures), _LONGEST_REST)
        else:
            slot.failures, slot.not_before = 0, now
        return member

    def _fails(self, slot: _Slot, now: float) -> None:
        slot.failures += 1
        self._failures += 1
        slot.not_before = now + _pause(slot.failures)

    def restart(self) -> int:
        """Let all that take jobs be replaced, one after another; return how many those are."""
        found = [one for one in self.members.values() if one.told is Told.NOTHING]
        self.renewal_failed = False
        for member in found:
            member.worn = _RESTART
        return len(found)

    def stop(self) -> None:
        """Start no more; all are to end."""
        self.stopping = True

    # What to do
    @property
    def over(self) -> bool:
        """Whether all have ended, and no more will be started."""
        return self.stopping and not self.members

    @property
    def complete(self) -> bool:
        """Whether each place has a child that takes jobs."""
        return len({one.slot for one in self.members.values() if one.ready}) >= len(self._slots)

    @property
    def renewed(self) -> bool:
        """Whether a rolling restart is through: each place has a new child that takes jobs."""
        return self.complete and not self._outdated()

    @property
    def hurried(self) -> bool:
        """Whether something is expected to happen soon."""
        return self.stopping or any(
            one.phase < Phase.READY or one.told > Told.FINISH for one in self.members.values()
        )

    def next_look(self, now: float) -> float:
        """Return in how many seconds a child may be started that could not be before; never 0."""
        waits = [slot.not_before - now for slot in self._slots if slot.not_before > now]
        return max(0.01, min(waits, default=1.0))

    def decide(self, now: float) -> list[Order]:
        """Return what is to be done now. What is told here counts as told."""
        if now - self._looked > _SLEPT:
            self._awake_since = now
        self._looked = now
        if self.stopping:
            return list(self._ends(now))
        orders: list[Order] = [*self._overgrown(now), *self._hung(now), *self._silent(now)]
        if self._failures >= _MOST_FAILURES and not any(m.ready for m in self.members.values()):
            self.stop()
            return [*orders, GiveUp(self._code or 70), *self._ends(now)]
        if not self.quiet:
            orders += [*self._given_up(), *self._worn(), *self._relieved(now), *self._starts(now)]
        return orders

    def _tell(self, member: Member, told: Told, why: str, now: float) -> Tell:
        member.told, member.told_at = told, now
        return Tell(member, told, why)

    def _ends(self, now: float) -> Iterator[Order]:
        for member in self.members.values():
            late = now - member.told_at > self.limits.shutdown_timeout + _BEYOND
            if member.told < Told.STOP:
                yield self._tell(member, Told.STOP, "", now)
            elif member.told is Told.STOP and late:
                yield self._tell(member, Told.KILL, "it did not stop in time", now)

    def _hung(self, now: float) -> Iterator[Order]:
        for member in self.members.values():
            since = max(member.since, self._awake_since)
            if member.phase >= Phase.READY or member.told is Told.KILL:
                continue
            if now - since > self.limits.boot_timeout:
                why = f"it was not ready within {self.limits.boot_timeout:g} s"
                yield self._tell(member, Told.KILL, why, now)

    def silent(self, now: float) -> list[Member]:
        """Return those whose leases somebody must renew for them: something holds their interpreters."""
        after = max(_LEAST_SILENCE, min(_SILENCE, self.limits.lease / 2))
        return [member for member, silence in self._silences(now) if silence > after]

    def _silences(self, now: float) -> list[tuple[Member, float]]:
        working = [m for m in self.members.values() if m.phase is Phase.READY]
        return [
            (m, now - max(m.beat, m.since, self._awake_since))
            for m in working
            if m.told < Told.STOP
        ]

    def _silent(self, now: float) -> Iterator[Order]:
        for member, silence in self._silences(now):
            if silence > self.limits.max_silence:
                why = f"it has been silent for {silence:.0f} s, which is max_silence"
                yield self._tell(member, Told.KILL, why, now)

    def _overgrown(self, now: float) -> Iterator[Order]:
        limit = self.limits.memory
        for member in self.members.values() if limit and self._memory_counts else ():
            if member.memory > _HARD_SHARE * limit and member.told is not Told.KILL:
                why = f"it takes {_megabytes(member.memory)}, far more than max_memory"
                yield self._tell(member, Told.KILL, why, now)

    def measured(self, pid: int, jobs: int, memory: int) -> list[Order]:
        """Note how many jobs a child has run, and its bytes of memory."""
        member = self.members[pid]
        first = not member.memory and member.phase is Phase.READY
        member.jobs = jobs
        if member.phase is Phase.READY:
            member.memory = memory
        if first and self._memory_counts and 0 < self.limits.memory < memory:
            self._memory_counts = False
            text = (
                f"max_memory is {_megabytes(self.limits.memory)}, and a child that has run nothing takes "
                f"{_megabytes(memory)} already: no child is replaced for its memory. Raise it"
            )
            return [Remark(text, serious=True)]
        return []

    def _given_up(self) -> Iterator[Order]:
        """Keep the old children where no new one comes up."""
        old = self._outdated()
        if not old or self._failures < _MOST_FAILURES:
            return
        for member in old:
            member.worn = ""
        self.renewal_failed = True
        text = (
            f"the rolling restart is given up: {_MOST_FAILURES} new children could not be workers. "
        )
        yield Remark(f"{text}Those that were not replaced yet stay", serious=True)

    def _outdated(self) -> list[Member]:
        return [m for m in self.members.values() if m.worn == _RESTART and m.told is Told.NOTHING]

    def _worn(self) -> Iterator[Order]:
        for member in self.members.values():
            if not member.ready or member.worn:
                continue
            if 0 < member.most_jobs <= member.jobs:
                member.worn = f"it has run {member.jobs} jobs"
            elif self._memory_counts and 0 < self.limits.memory < member.memory:
                member.worn = f"it takes {_megabytes(member.memory)}"
            else:
                continue
            yield Remark(f"child {member.slot} (pid {member.pid}) is to be replaced: {member.worn}")

    def _relieved(self, now: float) -> Iterator[Order]:
        """Let those finish in whose place another is ready."""
        for member in self.members.values():
            there = self._of(member.slot)
            fresh = member.slot > len(self._slots) or any(
                one.ready for one in there[there.index(member) + 1 :]
            )
            if member.worn and member.told is Told.NOTHING and fresh:
                yield self._tell(member, Told.FINISH, member.worn, now)

    def _starts(self, now: float) -> Iterator[Order]:
        alone = not any(one.ready for one in self.members.values())
        booting = any(self._boots(one) for one in self.members.values())
        for slot in self._slots:
            there = [one for one in self._of(slot.number) if _counts(one)]
            alone_and_worn = len(there) == 1 and there[0].worn and there[0].ready
            wanted = not there or (alone_and_worn and not booting)
            # The first that is to be ready comes alone: what keeps it from that keeps the others, too.
            if not wanted or now < slot.not_before or (alone and booting):
                continue
            booting = True
            yield Start(slot.number)

    @staticmethod
    def _boots(member: Member) -> bool:
        return member.phase < Phase.READY and member.told is Told.NOTHING

    def _of(self, slot: int) -> list[Member]:
        """Return who is in *slot*, the oldest first."""
        return [one for one in self.members.values() if one.slot == slot]


def _counts(member: Member) -> bool:
    """Tell whether *member* has its place: nobody else is started for it but a successor."""
    return member.told is Told.KILL or (member.told is Told.NOTHING and member.phase <= Phase.READY)


def _pause(failures: int) -> float:
    return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures - 1, 10)))


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.0f} MB"
