"""The promoter: takes due jobs from their sets to their queues, as an owner of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import Any

from .. import keys
from ..clock import steady, wall
from ..errors import StoreDenied, StoreError, StoreUnavailable
from ..guarding import Declined
from ..settled import Fate as Told
from ..settled import Promoted
from ..store import flight, promotion
from ..store.connection import Link
from ..store.promotion import Promotion
from ..verdict import PutOff, Settlement, Taken
from .due import AGAIN, SOON, DueJobs
from .executor import CONVICTED
from .owner import Owner
from .passage import Decided, Passages
from .reconciling import set_aside_unreadable
from .reply_size import ReplySize
from .session import Session
from .worker import Worker

logger = logging.getLogger("kiq.poller")

Due = tuple[Taken, Promotion]
SOURCES = (keys.RETRY, keys.SCHEDULE)
_BATCH = 500
_MOST_WAITING = 10_000  # jids that are remembered
_LOOK = 0.5  # seconds until a set is looked at again in which nothing is due
_WAIT = 0.3  # seconds that the poller waits for client middleware, as it has an election to renew


class Promoter:
    """Claims due jobs, has it decided what becomes of them, and writes that.

    Suspects (what was claimed at a crash, or hung) come after the others, one at a time, and marked:
    the next crash tells which of them it was. Threads: the poller's.
    """

    def __init__(self, worker: Worker, link: Link) -> None:
        self._worker = worker
        self._link = link
        self._limits = worker.dead_limits
        self._reply_size = ReplySize()
        self._passages = Passages(DueJobs(worker).fate)
        self._suspects: list[Taken] = []
        self._session = Session(worker, "poller", SOURCES)
        self._refused: StoreError | None = None
        self._waiting: set[Any] = set()  # jids of declined jobs, of which that has been said
        self._partly: list[tuple[int, list[tuple[Taken, Told]]]] = []  # how many of these entered
        self._unread: Owner | None = None  # an earlier one, whose last claim was not seen to arrive

    def secure(self) -> None:
        """Be a registered owner; what earlier ones may hold goes back first. Raises StoreError."""
        if self._session.owner.fenced:
            self.abandon()
        self._give_back()
        if not self._session.owner.sure:
            self._session.register(self._link)

    def abandon(self) -> None:
        """Be this owner no more: what it holds is in an unknown state, and goes back the next time."""
        if self._reply_size.lost(steady()):
            self._unread = self._session.owner
        self._session.abandon()
        self._suspects = []
        self._passages.forget()

    def rest(self) -> None:
        """Hold nothing: another process promotes now. Raises StoreError; no round trip as a rule."""
        self._settle(self._passages.collect(0.0))
        if self._suspects or self._passages.holding:
            self.abandon()
        self._give_back()

    def refused(self) -> StoreError | None:
        """Return what Redis refused since the last call: another process may be allowed to do it."""
        refused, self._refused = self._refused, None
        return refused

    def leave(self) -> bool:
        """Give back all that is claimed, and be forgotten; False if some can't. Raises StoreError."""
        self._passages.close()
        self.abandon()
        self._unread = None
        return self._give_back()

    def _give_back(self) -> bool:
        self._look_at_unread()
        return all(one.complete for one in self._session.give_back(self._link))

    def _look_at_unread(self) -> None:
        """See to it that no claim goes back that nobody can read: it would be the next claim again."""
        unread, self._unread = self._unread, None
        if unread is None:
            return
        spare = self._worker.connector.open()
        try:
            for source in unread.flights.values():
                set_aside_unreadable(self._link, source, spare, self._limits)
        except StoreUnavailable:
            self._unread = unread
            raise
        finally:
            spare.close()

    def promote(self, source: str) -> float:
        """Promote one batch of *source*; return the seconds until the next is due (0: at once)."""
        due_in = 0.0
        if self._passages.idle and self._suspects:
            self._try_suspect(self._suspects.pop(0))
        elif self._passages.idle:
            due_in = self._claim(source)
        self._settle(self._passages.collect(_WAIT))
        return due_in if self._passages.idle and not self._suspects else 0.0

    def _claim(self, source: str) -> float:
        owner = self._session.owner
        call = owner.next_call()
        size = self._reply_size.ask(steady())
        claimed = promotion.claim(self._link, owner.name, source, call, _BATCH, size)
        self._reply_size.arrived(len(claimed.raws))
        if claimed.fenced:
            self.abandon()
            self.secure()
            return 0.0
        jobs = [
            Taken(f"{call}.{n + 1}", owner.flight(source), raw, 0.0, claimed.suspicions.get(n, 0))
            for n, raw in enumerate(claimed.raws)
        ]
        suspects = [taken for taken in jobs if taken.suspicion]
        self._suspects = sorted(suspects, key=lambda taken: taken.suspicion)
        self._passages.give(taken for taken in jobs if not taken.suspicion)
        if claimed.next_due is None:
            return _LOOK
        return max(0.0, claimed.next_due - claimed.now)

    def _try_suspect(self, taken: Taken) -> None:
        if taken.suspicion < CONVICTED:
            self._link.call(flight.mark_command([taken]))
        self._passages.give([taken])

    def _settle(self, decided: Iterable[Decided]) -> None:
        """Write what becomes of claims. Raises StoreError."""
        owner = self._session.owner
        moves: list[Settlement] = []
        commits: dict[str, list[Due]] = {}
        for taken, fate in decided:
            if taken.flight.owner != owner.name:
                continue  # it went back with an owner that we are no more
            if isinstance(fate, Promotion):
                commits.setdefault(taken.flight.source, []).append((taken, fate))
            else:
                moves.append((taken, fate))
        for source, group in commits.items():
            moves += self._commit(source, group)
        partly, self._partly = self._partly, []
        if moves:
            replies = self._move(moves)
            absent = {
                taken for taken, reply in replies if not (isinstance(reply, StoreError) or reply[0])
            }
            for moved, fates in partly:
                entered = [one for one in fates if one[0] in absent]
                if len(entered) == moved:  # else the others went back, as somebody declared us dead
                    self._worker.notices.tell(entered)
            self._put_off([pair for pair in replies if isinstance(pair[1], StoreError)])

    def _move(self, moves: list[Settlement]) -> list[tuple[Taken, Any]]:
        """Write *moves*, and tell of them; return what Redis replied to each. One round trip."""
        commands = [flight.move_command(one, wall(), self._limits) for one in moves]
        commands, read = self._worker.riders.in_flight(commands, [[one] for one in moves])
        replies = list(zip(moves, read(self._link.exchange(commands)), strict=True))
        self._worker.notices.tell(
            one for one, reply in replies if not isinstance(reply, StoreError) and reply[0]
        )
        return [(taken, reply) for (taken, _), reply in replies]

    def _put_off(self, refused: list[tuple[Taken, StoreError]]) -> None:
        """Put off what could not go where it should, so that it stands in nobody's way."""
        for taken, problem in refused:
            try:
                ((_, reply),) = self._move([(taken, self._later(problem))])
                if isinstance(reply, StoreError):
                    raise reply
            except StoreError:
                self.abandon()
                raise

    def _commit(self, source: str, group: list[Due]) -> list[Settlement]:
        """Let jobs enter their queues; return what puts off those that can't, or may not yet."""
        plain = [due for due in group if due[1].guarded is None]
        queues: dict[str, list[Due]] = {}
        for due in group:
            if due[1].guarded is not None:
                queues.setdefault(due[1].queue, []).append(due)
        parts = [part for part in (plain, *queues.values()) if part]
        fates: list[list[tuple[Taken, Told]]] = [
            [(taken, Promoted(one.queue, one.raw)) for taken, one in part] for part in parts
        ]
        entered, answers = promotion.commit(
            self._link,
            group[0][0].flight.owner,
            source,
            [one for _, one in plain],
            [taken.raw for taken, _ in group if taken.suspicion],
            partial(self._worker.riders.in_flight, settled=fates),
            [[one for _, one in part] for part in queues.values()],
        )
        late = self._refused_of(source, plain, entered, fates[0]) if plain else []
        guarded = chain(*fates[len(fates) - len(queues) :])
        return late + self._declined_of(zip(guarded, chain(*answers), strict=True))

    def _refused_of(
        self,
        source: str,
        group: list[Due],
        entered: tuple[int, list[str]] | StoreError,
        fates: list[tuple[Taken, Told]],
    ) -> list[Settlement]:
        """Return what puts off those of *group*, which have no guards, whose queues refuse."""
        if isinstance(entered, StoreError):
            queues = {one.queue for _, one in group}
            if len(queues) > 1:  # one of them may be closed to us, and then all are refused
                parts = ([due for due in group if due[1].queue == queue] for queue in queues)
                return [late for part in parts for late in self._commit(source, part)]
            problems = [entered]
        else:
            moved, texts = entered
            if moved == len(group):
                self._worker.notices.tell(fates)
            elif texts:
                self._partly.append((moved, fates))
            problems = [StoreError(text) for text in texts]
        # Later, so that they don't stand in front of what is due for other queues. Those that did
        # enter are not in flight any more: for them this does nothing, which tells which they are.
        verdicts = [self._later(problem) for problem in problems]
        return [(taken, verdicts[-1]) for taken, _ in group] if verdicts else []

    def _declined_of(
        self, answers: Iterable[tuple[tuple[Taken, Told], promotion.Answer]]
    ) -> list[Settlement]:
        """Return what puts off jobs that guards don't let pass, or failed for."""
        entered: list[tuple[Taken, Told]] = []
        late: list[Settlement] = []
        problem, verdict = None, PutOff(AGAIN)
        for fate, answer in answers:
            if answer is True or (isinstance(answer, StoreError) and answer.maybe_done):
                entered.append(fate)
            if isinstance(answer, Declined):
                late.append((fate[0], self._waits(answer)))
            elif isinstance(answer, StoreError):
                if answer is not problem:  # of a queue as a whole it is said for each job
                    problem, verdict = answer, self._later(answer)
                late.append((fate[0], verdict))
        self._worker.notices.tell(entered)
        return late

    def _waits(self, declined: Declined) -> PutOff:
        """Say once of a job that a guard does not let it go on yet; return when that is tried again."""
        jid = declined.payload.get("jid")
        if jid not in self._waiting:
            if len(self._waiting) >= _MOST_WAITING:
                self._waiting.clear()
            self._waiting.add(jid)
            logger.info("due, but not promoted: %s", declined)
        return PutOff(declined.guard.again)

    def _later(self, problem: StoreError) -> PutOff:
        """Report why a job can't go where it should; return when that is tried again."""
        self._worker.report(problem, {"context": "promotion"})
        self._refused = problem
        # Another process may be allowed to do what this one is not, and is asked to.
        return PutOff(SOON if isinstance(problem, StoreDenied) else AGAIN)
