"""Gathering: what asyncio code pushes at the same time goes to Redis in one write."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ..client import Client
from ..errors import StoreError
from ..push_buffer import PushBuffer
from ..store.enqueue import ByQueue, Enqueue, Scheduled, commands_for

_PAYLOADS, _BYTES = (
    1000,
    4 * 1024 * 1024,
)  # at most in one write, but for a single push that is larger
_IDLE = 5.0  # seconds without a push after which the thread ends


class _Push(NamedTuple):
    queues: ByQueue
    scheduled: Sequence[Scheduled]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class Gathering:
    """Writes for tasks that wait, on one thread, which lives while there is something to write.

    Threads: any with an event loop. A forked child begins anew: what waits is its parent's.
    """

    def __init__(self, enqueue: Enqueue | PushBuffer) -> None:
        self._enqueue = enqueue
        self.begin()

    def begin(self) -> None:
        """Know of no push, and of no thread that writes."""
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[_Push] = deque()
        self._running = False
        # What was pushed in this round of each event loop.
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Push]] = {}

    async def push(self, queues: ByQueue, scheduled: Sequence[Scheduled]) -> None:
        """Put payloads where they belong, perhaps with those of others. Raises StoreError.

        One that is cancelled before its write begins is not pushed.
        """
        loop = asyncio.get_running_loop()
        push = _Push(queues, scheduled, loop, loop.create_future())
        gathered = self._gathered.get(loop)
        if gathered is None:
            self._forget_closed_loops()
            # At the end of this round of the loop: one lock and one wake-up for all that it pushes.
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append(push)
        await push.done

    def _forget_closed_loops(self) -> None:
        # One that was closed in the round of a push never hands it over: nobody waits for it.
        for loop in list(self._gathered):
            if loop.is_closed():
                self._gathered.pop(loop, None)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = self._gathered.pop(loop, [])
        with self._changed:
            self._waiting.extend(gathered)
            if self._running:
                self._changed.notify()
            elif gathered:
                self._start()

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name="kiq-pusher", daemon=True).start()
            self._running = True
        except RuntimeError as error:  # no thread can be had: say so, rather than let them wait
            batch = list(self._waiting)
            self._waiting.clear()
            _answer(batch, [error] * len(batch))

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._waiting, _IDLE):
                    self._running = False
                    return
                batch = self._next()
            try:
                outcomes: list[BaseException | None] = [*self._write(batch)]
            except BaseException as error:  # noqa: BLE001 (nobody may wait for ever)
                outcomes = [error] * len(batch)
            _answer(batch, outcomes)

    def _next(self) -> list[_Push]:
        batch: list[_Push] = []
        payloads = size = 0
        while self._waiting and (not batch or (payloads < _PAYLOADS and size < _BYTES)):
            push = self._waiting.popleft()
            if push.done.cancelled():
                continue
            batch.append(push)
            raws = [raw for many in push.queues.values() for raw in many]
            raws += [raw for _, raw in push.scheduled]
            payloads += len(raws)
            size += sum(map(len, raws))
        return batch

    def _write(self, batch: Sequence[_Push]) -> list[StoreError | None]:
        queues: ByQueue = {}
        for push in batch:
            for queue, raws in push.queues.items():
                queues.setdefault(queue, []).extend(raws)
        scheduled = [each for push in batch for each in push.scheduled]
        refused = _refused(self._enqueue, queues, scheduled)
        return [_error_of(push, refused) if refused else None for push in batch]


def _refused(
    enqueue: Enqueue | PushBuffer, queues: ByQueue, scheduled: Sequence[Scheduled]
) -> dict[str | None, StoreError]:
    """Push; return what could not be, by queue, None standing for the scheduled set."""
    places: list[str | None] = [*queues, *([None] if scheduled else [])]
    replies: Sequence[Any] = []
    if isinstance(enqueue, Enqueue):
        try:
            replies = enqueue.exchange(commands_for(queues, scheduled))
        except StoreError as error:
            replies = [error] * len(places)
    else:
        # One place after the other: it tells only of all that it is given.
        for place in places:
            here = ({}, scheduled) if place is None else ({place: queues[place]}, ())
            replies = [*replies, _outcome(enqueue, *here)]
    return {
        place: reply
        for place, reply in zip(places, replies, strict=True)
        if isinstance(reply, StoreError)
    }


def _outcome(
    buffer: PushBuffer, queues: ByQueue, scheduled: Sequence[Scheduled]
) -> StoreError | None:
    try:
        buffer.push_many(queues, scheduled)
    except StoreError as error:
        return error
    return None


def _error_of(push: _Push, refused: dict[str | None, StoreError]) -> StoreError | None:
    """Return what *push* has to be told, an error of its own, of what was *refused* by place."""
    places: list[str | None] = [*push.queues, *([None] if push.scheduled else [])]
    mine = [refused[place] for place in places if place in refused]
    if not mine:
        return None
    maybe_done = mine[0].maybe_done or len(mine) < len(places)
    error = type(mine[0])(str(mine[0]), maybe_done)
    error.__cause__ = mine[0].__cause__
    return error


def _answer(batch: Sequence[_Push], outcomes: Sequence[BaseException | None]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Push, BaseException | None]]] = {}
    for push, outcome in zip(batch, outcomes, strict=True):
        by_loop.setdefault(push.loop, []).append((push, outcome))
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_tell, told)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more


def _tell(told: Sequence[tuple[_Push, BaseException | None]]) -> None:
    for push, error in told:
        if push.done.done():
            continue  # cancelled meanwhile
        if error is None:
            push.done.set_result(None)
        else:
            push.done.set_exception(error)


_gatherings: WeakKeyDictionary[Client, Gathering] = WeakKeyDictionary()


def gathering_of(client: Client) -> Gathering | None:
    """Return what writes for *client*; None for one that stands in for it in tests, with no Redis."""
    gathering = _gatherings.get(client)
    if gathering is None:
        enqueue = vars(client).get("_enqueue")
        if enqueue is None:
            return None
        gathering = _gatherings[client] = Gathering(enqueue)
    return gathering


def _begin_anew() -> None:
    for gathering in list(_gatherings.values()):
        gathering.begin()


# Not at the first push of the child: two of its threads may come to that at the same time.
os.register_at_fork(after_in_child=_begin_anew)
