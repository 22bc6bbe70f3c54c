"""Gathering: what asyncio code pushes at the same time goes to Redis in one write."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from ..pusher import Pusher
from ..sender import ByQueue, Load, Outcome, Sender

_PAYLOADS, _BYTES = (
    1000,
    4 * 1024 * 1024,
)  # at most in one write, but for a single push that is larger
_IDLE = 5.0  # seconds without a push after which the thread ends


class _Push(NamedTuple):
    load: Load
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Outcome | None]


#: What a task is told: what did not get through, or what was raised instead.
_Told = Outcome | BaseException | None


class Gathering:
    """Writes for tasks that wait, on one thread, which lives while there is something to write.

    Threads: any with an event loop. A forked child begins anew: what waits is its parent's.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.begin()

    def begin(self) -> None:
        """Know of no push, and of no thread that writes."""
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[_Push] = deque()
        self._running = False
        # What was pushed in this round of each event loop.
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Push]] = {}

    async def push(self, load: Load) -> Outcome | None:
        """Take *load*, perhaps with those of others; see :meth:`kiq.sender.Sender.push`.

        One that is cancelled before its write begins is not pushed.
        """
        loop = asyncio.get_running_loop()
        push = _Push(load, loop, loop.create_future())
        gathered = self._gathered.get(loop)
        if gathered is None:
            self._forget_closed_loops()
            # At the end of this round of the loop: one lock and one wake-up for all that it pushes.
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append(push)
        return await push.done

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
                outcomes: Sequence[_Told] = self._write(batch)
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
            raws = [raw for many in push.load.queues.values() for raw in many]
            raws += [raw for _, raw in push.load.scheduled]
            payloads += len(raws)
            size += sum(map(len, raws))
        return batch

    def _write(self, batch: Sequence[_Push]) -> Sequence[_Told]:
        outcome = self._sender.push(_together([push.load for push in batch]))
        return [outcome and outcome.share(push.load) for push in batch]


def _together(loads: Sequence[Load]) -> Load:
    if len(loads) == 1:
        return loads[0]
    queues: ByQueue = {}
    for load in loads:
        for queue, raws in load.queues.items():
            queues.setdefault(queue, []).extend(raws)
    scheduled = [each for load in loads for each in load.scheduled]
    extras = {raw: extra for load in loads for raw, extra in load.extras.items()}
    return Load(queues, scheduled, [jid for load in loads for jid in load.jids], None, extras)


def _answer(batch: Sequence[_Push], outcomes: Sequence[_Told]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Push, _Told]]] = {}
    for push, outcome in zip(batch, outcomes, strict=True):
        by_loop.setdefault(push.loop, []).append((push, outcome))
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_tell, told)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more


def _tell(told: Sequence[tuple[_Push, _Told]]) -> None:
    for push, outcome in told:
        if push.done.done():
            continue  # cancelled meanwhile
        if isinstance(outcome, BaseException):
            push.done.set_exception(outcome)
        else:
            push.done.set_result(outcome)


_gatherings: WeakKeyDictionary[Pusher, Gathering] = WeakKeyDictionary()


def gathering_of(pusher: Pusher) -> Gathering:
    """Return what gathers for *pusher*."""
    gathering = _gatherings.get(pusher)
    if gathering is None:
        gathering = _gatherings[pusher] = Gathering(pusher.sender)
    return gathering


def _begin_anew() -> None:
    for gathering in list(_gatherings.values()):
        gathering.begin()


# Not at the first push of the child: two of its threads may come to that at the same time.
os.register_at_fork(after_in_child=_begin_anew)
