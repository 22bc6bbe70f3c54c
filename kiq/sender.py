"""Where a push goes: what is handed over, who takes it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from .errors import StoreError
from .guarding import Declined, Guarded

ByQueue = dict[str, list[bytes]]
Scheduled = tuple[float, bytes]
#: A queue, or a band of one, by the name of its list; or None, the scheduled set.
Place = str | None
#: Why a job was not pushed when those beside it were: a guard did not let it pass, or failed.
Refusal = Declined | StoreError
#: How asyncio code hands a load over: what tasks push at the same time goes together, on a thread of
#: theirs; each load on a thread of its own; or at once, as nothing waits there.
InAsyncio = Literal["gathered", "aside", "at once"]

_NONE: Mapping[Any, Any] = MappingProxyType({})


class Load(NamedTuple):
    """Encoded payloads that are handed over together; of those in one place the first runs first.

    *jids* are those of all payloads, in the order of the calls: None where client middleware vetoed.
    *batch_size* is what the caller of a bulk asked for. *extras* are what guards ask about it, by
    payload: who only passes a load on need not know of them.
    """

    queues: ByQueue
    scheduled: Sequence[Scheduled]
    jids: Sequence[str | None]
    batch_size: int | None = None
    extras: Mapping[bytes, Guarded] = _NONE

    @property
    def places(self) -> list[Place]:
        """Where its payloads go."""
        return [*self.queues, *([None] if self.scheduled else [])]


class Outcome(NamedTuple):
    """What did not get through of a load: the error of each place that refused.

    *refused* are single jobs that were not pushed where others were, by jid.
    """

    errors: Mapping[Place, StoreError]
    refused: Mapping[str, Refusal] = _NONE

    def error(self, load: Load) -> StoreError | None:
        """Return what is to be raised for *load*: ``maybe_done`` if another place took its part."""
        mine = [self.errors[place] for place in load.places if place in self.errors]
        if not mine:
            return None
        error = type(mine[0])(str(mine[0]), mine[0].maybe_done or len(mine) < len(load.places))
        error.__cause__ = mine[0].__cause__
        return error

    def share(self, load: Load) -> Outcome | None:
        """Return what concerns *load*, which was handed over with others."""
        errors = {place: self.errors[place] for place in load.places if place in self.errors}
        refused = (
            {jid: why for jid, why in self.refused.items() if jid in load.jids}
            if self.refused
            else {}
        )
        return outcome(errors, refused)


def outcome(
    errors: Mapping[Place, StoreError], refused: Mapping[Any, Refusal] = _NONE
) -> Outcome | None:
    """Return what became of a load; None if all of it got through."""
    return Outcome(errors, refused) if errors or refused else None


class StepOutcome(NamedTuple):
    """What became of a step: why it was *declined*, "" if it was not; else the outcome of each load."""

    declined: str
    parts: Sequence[Outcome | None]


class StepTrial(Protocol):
    """What stands for the commands of a step in a test, where no Redis is."""

    def begin(self) -> str:
        """Do what is done before the pushes; return why nothing may be pushed, "" if it may."""

    def end(
        self, outcomes: Sequence[Outcome | None], push: Callable[[Load], Outcome | None]
    ) -> None:
        """Do what is done behind them; *push* takes what comes of that."""


class Step(NamedTuple):
    """Loads that are pushed in one step, with what features do in it.

    *before* are commands that run scripts (EVAL, or one of kiq's): all go on if each returns 1, else
    nothing is done, and what it returned, text, says why. *parts* are loads, and what runs behind each: a
    script that has ``PUSHED``, the reply to each place of its load. *told* gets what became of it, soon or
    late (a push buffer, a commit), and raises what is wrong with that. *jids* and *name* are for messages.
    *trial* stands for the commands where ``kiq.testing`` takes the pushes.
    """

    before: Sequence[tuple[Any, ...]]
    parts: Sequence[tuple[Load, tuple[Any, ...]]]
    told: Callable[[StepOutcome], object]
    name: str = ""
    trial: StepTrial | None = None

    @property
    def jids(self) -> list[str]:
        """The jids of all its payloads."""
        return [jid for load, _ in self.parts for jid in load.jids if jid is not None]


class Sender(Protocol):
    """Takes loads to where they go: Redis, a buffer, a transaction, the box of a test.

    What refuses a place is returned, by place; what is raised is no matter of the store (a job that a test
    runs at once, Ctrl-C). When a call returns, nothing of its load is on its way any more.
    Threads: any, and any forked child, which leaves the parent's sockets and what waits there alone.
    """

    @property
    def in_asyncio(self) -> InAsyncio:
        """How asyncio code hands a load over."""

    @property
    def whole(self) -> bool:
        """Whether it wants a bulk as one load."""

    def push(self, load: Load) -> Outcome | None:
        """Take *load*; return what refused, None if nothing did. One round trip, if Redis is asked."""

    def push_one(self, queue: str, raw: bytes, jid: str) -> StoreError | None:
        """Take one payload, for *queue*; return the error, None if it got through."""

    def push_step(self, step: Step) -> None:
        """Take *step*, and tell it what became of it, now or when that is known. One round trip.

        Raises what ``told`` raises, or the StoreError of all of it.
        """
