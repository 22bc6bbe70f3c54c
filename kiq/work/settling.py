"""Settling: verdicts on their way to Redis, kept until each is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..clock import wall
from ..codec import decode
from ..errors import StoreError, UndecodablePayload
from ..riders import Reader, Riders
from ..store.flight import (
    DeadLimits,
    delay_command,
    done_command,
    goes_with_others,
    move_command,
    record_command,
)
from ..store.scripts import Command
from ..verdict import DONE, Done, Flight, Settlement, Taken
from .handover import BATCH, Handover
from .notices import Notices

logger = logging.getLogger("kiq.settling")

_TOGETHER = 100  # jobs that one command moves at most: Redis does nothing else meanwhile
_LONGEST_PAUSE = 30.0  # seconds between two attempts to write a verdict that Redis refuses


@dataclass(slots=True)
class _Refused:
    settlement: Settlement
    due: float
    pause: float


class Settler:
    """The verdicts that are owed to Redis.

    They are sent again until Redis answers: the delivery id makes a repeat harmless. One that Redis refuses
    backs off alone. Threads: who leads.
    """

    def __init__(
        self,
        handover: Handover,
        limits: DeadLimits,
        report: Callable[[BaseException, dict[str, Any]], None],
        notices: Notices | None = None,
        riders: Riders | None = None,
    ) -> None:
        self._handover = handover
        self._limits = limits
        self._report = report
        self._owed: list[Settlement] = []
        self._refused: list[_Refused] = []
        self._groups: dict[Flight, list[str]] = {}  # what is done, of the owed
        self._parts: list[list[Settlement]] = []  # the others, as they are settled together
        self._repeated = False
        self._notices = notices
        self._riders = riders
        self._unloaded: Reader = list  # takes what riders added off the replies
        self._doubted: list[str] = []  # owners of which is asked whether they were declared dead
        self._absent: set[int] = set()  # places in the owed of what was not in flight any more
        self._short = False  # ... and not all that is done was
        self.disowned = False  # the last answer says that jobs were not ours any more

    @property
    def owing(self) -> bool:
        """Whether a verdict waits here for its answer, or to be sent again."""
        return bool(self._owed or self._refused)

    def next_due(self) -> float:
        """Return when a refused verdict is to be sent again (steady clock); infinity when none is."""
        return min((one.due for one in self._refused), default=float("inf"))

    def load(self, now: float) -> int:
        """Take verdicts out of the outbox, for the next write; return how many jobs finished."""
        outbox, owed = self._handover.outbox, self._owed
        fresh = 0
        while outbox and len(owed) < BATCH:
            owed.append(outbox.popleft())
            fresh += 1
        if self._refused:
            # Those of a write that broke are still among the owed: once is enough.
            sent = {id(settlement) for settlement in owed}
            due = [one for one in self._refused if one.due <= now]
            owed += [one.settlement for one in due if id(one.settlement) not in sent]
        self._handover.owe(len(owed))
        return fresh

    def commands(self) -> list[Command]:
        """Return the commands that write what was loaded: one for all that is done, and for each part."""
        # Before anything else: read() goes by the groups, and must not find those of an earlier write.
        self._groups, moves = _sorted(self._owed)
        self._parts = _in_parts(moves, alone={id(one.settlement) for one in self._refused})
        self._doubted, self._unloaded = [], list
        if not self._owed:
            return []
        now = wall()
        commands = [done_command(self._groups, now)] if self._groups else []
        commands += [
            delay_command(part, now)
            if goes_with_others(part[0])
            else move_command(part[0], now, self._limits)
            for part in self._parts
        ]
        if self._riders is not None and self._riders.concern(self._owed):
            plain = [one for one in self._owed if _is_plain(one)] if self._groups else []
            parts = [plain, *self._parts] if plain else self._parts
            commands, self._unloaded = self._riders.in_flight(commands, parts)
        if self._repeated and self._told:
            self._doubted = list({taken.flight.owner for taken, _ in self._owed})
            commands += [record_command(owner) for owner in self._doubted]
        return commands

    @property
    def _told(self) -> bool:
        """Whether anybody wants to know what is settled."""
        return self._notices is not None and self._notices.wanted

    def read(self, replies: list[Any], now: float) -> list[Taken]:
        """Read the replies to :meth:`commands`; return the jobs that are settled for good."""
        replies = self._unloaded(replies)
        settled: list[Taken] = []
        problems: dict[int, StoreError] = {}
        answers = iter(replies)
        refusing: dict[Flight, StoreError] = {}
        self._short, self._absent = False, set()
        # These stand last. A name never has its record back: who has it lived when this was settled.
        doubted = zip(self._doubted, replies[len(replies) - len(self._doubted) :], strict=True)
        living = {owner for owner, reply in doubted if reply == 1}
        if self._groups:
            refusing = self._read_done(next(answers), self._groups)
        if not self._parts and not refusing:
            settled = [taken for taken, _ in self._owed]  # the usual case: 0.2 µs a job less
            return self._answered(settled, problems, living, now)
        refused, absent = self._read_parts(answers)
        for at, settlement in enumerate(self._owed):
            taken = settlement[0]
            plain = _is_plain(settlement)
            problem = refusing.get(taken.flight) if plain else refused.get(id(settlement))
            if problem is not None:
                problems[at] = problem
                continue
            settled.append(taken)
            if id(settlement) in absent:
                self._absent.add(at)
        return self._answered(settled, problems, living, now)

    def _read_parts(self, answers: Iterator[Any]) -> tuple[dict[int, StoreError], set[int]]:
        """Return what was refused, and which were not in flight any more, by the id of each settlement."""
        refused: dict[int, StoreError] = {}
        absent: list[Settlement] = []
        for part in self._parts:
            reply = next(answers)
            if isinstance(reply, StoreError):
                refused.update((id(one), reply) for one in part)
            elif goes_with_others(part[0]):
                absent += [part[place - 1] for place in reply[1:]]
            elif reply[0] == 0:
                absent.append(part[0])
            elif reply[1]:
                logger.warning(
                    "the dead set is over its limits (dead_max_jobs, dead_timeout): "
                    "its %d oldest jobs were dropped",
                    reply[1],
                )
        if not self._repeated:
            for taken, _ in absent:
                logger.warning(
                    "job %s was not ours any more when it ended: it will run twice", _jid(taken)
                )
        return refused, {id(one) for one in absent}

    def _answered(
        self,
        settled: list[Taken],
        problems: dict[int, StoreError],
        living: Collection[str],
        now: float,
    ) -> list[Taken]:
        if self._notices is not None and self._notices.wanted:
            self._notices.tell(self._confirmed(problems, living))
        self._keep_refused(problems, now)
        self.disowned = (self._short or bool(self._absent)) and not self._repeated
        self._repeated = False
        self._handover.answered(len(self._refused))
        return settled

    def _confirmed(
        self, problems: Mapping[int, StoreError], living: Collection[str]
    ) -> list[Settlement]:
        """Return what certainly was settled by us, now or by an earlier write whose reply was lost.

        What a living owner has in flight, nobody else takes out. Of what a dead one says to be done,
        only the number is known that was still there.
        """
        return [
            settlement
            for at, settlement in enumerate(self._owed)
            if at not in problems
            and (
                settlement[0].flight.owner in living
                or not (self._short if _is_plain(settlement) else at in self._absent)
            )
        ]

    def uncertain(self) -> None:
        """Note that the last write may or may not have arrived: it will be sent again."""
        self._repeated = True

    def _read_done(self, reply: Any, groups: dict[Flight, list[str]]) -> dict[Flight, StoreError]:
        if isinstance(reply, StoreError):
            return dict.fromkeys(groups, reply)
        flights = list(groups)
        refusing = {
            flights[reply[i] - 1]: StoreError(
                f"{flights[reply[i] - 1].key}: {reply[i + 1].decode(errors='replace')}"
            )
            for i in range(1, len(reply), 2)
        }
        sent = sum(len(ids) for flight, ids in groups.items() if flight not in refusing)
        self._short = reply[0] < sent
        if self._short and not self._repeated:
            logger.warning(
                "%d of %d finished jobs were not ours any more: this process was declared dead "
                "meanwhile; they will run twice",
                sent - reply[0],
                sent,
            )
        return refusing

    def _keep_refused(self, problems: dict[int, StoreError], now: float) -> None:
        if not problems and not self._refused:
            self._owed = []
            return
        pauses = {id(one.settlement): one.pause for one in self._refused}
        sent = {id(settlement) for settlement in self._owed}
        self._refused = [one for one in self._refused if id(one.settlement) not in sent]
        for at, error in problems.items():
            settlement = self._owed[at]
            pause = pauses.get(id(settlement))
            if pause is None:
                self._report(error, {"context": "settling", "jid": _jid(settlement[0])})
            pause = min((pause or 0.25) * 2, _LONGEST_PAUSE)
            self._refused.append(_Refused(settlement, now + pause, pause))
        self._owed = []


def _is_plain(settlement: Settlement) -> bool:
    """Tell whether nothing but the job itself is to be forgotten; of a suspect there is more."""
    return type(settlement[1]) is Done and not settlement[0].suspicion


def _in_parts(moves: Iterable[Settlement], alone: Collection[int]) -> list[list[Settlement]]:
    """Return *moves* as they are settled: together where they can be, else alone.

    Alone go those whose id is named: they were refused, and one may be the reason for all.
    """
    parts: list[list[Settlement]] = []
    growing: dict[tuple[Flight, type], list[Settlement]] = {}
    for one in moves:
        if id(one) in alone or not goes_with_others(one):
            parts.append([one])
            continue
        kind = one[0].flight, type(one[1])
        part = growing.get(kind)
        if part is None or len(part) >= _TOGETHER:
            part = growing[kind] = []
            parts.append(part)
        part.append(one)
    return parts


def _sorted(
    owed: Iterable[Settlement],
) -> tuple[dict[Flight, list[str]], list[Settlement]]:
    """Return the ids of what is done, by flight, and what has to be written one by one."""
    groups: dict[Flight, list[str]] = {}
    moves: list[Settlement] = []
    for settlement in owed:
        taken, verdict = settlement
        if (verdict is not DONE and type(verdict) is not Done) or taken.suspicion:  # as _is_plain
            moves.append(settlement)
        elif taken.flight in groups:
            groups[taken.flight].append(taken.delivery)
        else:
            groups[taken.flight] = [taken.delivery]
    return groups, moves


def _jid(taken: Taken) -> str:
    try:
        return str(decode(taken.raw)[0].get("jid", "?"))
    except UndecodablePayload:
        return "(undecodable)"
