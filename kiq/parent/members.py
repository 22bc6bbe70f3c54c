"""The words in which a parent thinks of its children: how far they are, what is to be done about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Phase(IntEnum):
    """How far a child has come."""

    BORN = 0
    CONNECTING = 1  # it waits for Redis, for as long as that takes
    STARTING = 2
    READY = 3  # it takes jobs
    STOPPING = 4


class Told(IntEnum):
    """What a child was told, each more than the one before."""

    NOTHING = 0
    FINISH = 1  # take no more jobs, end when the last has
    STOP = 2  # end within the shutdown's timeout
    KILL = 3


#: What the log says of a child that is told so.
ORDERS = {
    Told.FINISH: "takes no more jobs, and ends when the last has",
    Told.STOP: "is stopped",
    Told.KILL: "is killed",
}


@dataclass(slots=True, eq=False)
class Member:
    """A child, as far as its parent can see. *most_jobs* is its share of ``max_jobs``, 0 for none."""

    slot: int
    pid: int
    born: float
    most_jobs: int = 0
    phase: Phase = Phase.BORN
    since: float = 0.0  # when it came into this phase, or showed in it that it gets on
    beat: float = 0.0  # when its main thread came round last
    jobs: int = 0
    memory: int = 0  # bytes
    worn: str = ""  # why another is to take its place
    told: Told = Told.NOTHING
    told_at: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether it takes jobs."""
        return self.phase is Phase.READY and self.told is Told.NOTHING


def described(member: Member, now: float) -> str:
    """Return what is known of *member*, for the log."""
    what = member.phase.name.lower() if member.told is Told.NOTHING else f"told {member.told.name}"
    seconds = now - max(member.since, member.told_at)
    return (
        f"child {member.slot} (pid {member.pid}): {what} for {seconds:.0f} s, "
        f"{member.memory / (1 << 20):.0f} MB"
        + (f", to be replaced: {member.worn}" if member.worn else "")
    )


class Start(NamedTuple):
    """Fork a child for *slot*."""

    slot: int


class Tell(NamedTuple):
    """Tell a child something; *why* is for the log."""

    member: Member
    told: Told
    why: str


class GiveUp(NamedTuple):
    """No child can be a worker: stop all, and end with *code*."""

    code: int


class Remark(NamedTuple):
    """Say something once; as an error if it is *serious*."""

    text: str
    serious: bool = False


Order = Start | Tell | GiveUp | Remark
