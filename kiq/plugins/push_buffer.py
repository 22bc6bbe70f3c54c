"""The push buffer: keeps jobs while Redis can't be reached, and pushes them when it answers."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..codec import decode
from ..errors import StoreError, StoreUnavailable
from ..guarding import Declined, Guarded
from ..jid import new_jid
from ..kept import Kept
from ..plugin import Host
from ..sender import InAsyncio, Load, Outcome, Step
from ..store import scripts
from ..store.enqueue import RedisSender, push_commands

logger = logging.getLogger("kiq.client")

_PAUSE, _LONGEST_PAUSE = 0.5, 5.0  # seconds between two attempts
_AT_EXIT, _AT_ONCE = 2.0, 100  # seconds for the last attempt; parcels at most in one write


class Parcel(NamedTuple):
    """Payloads for one place, and the command that pushes them: it may be sent again unharmed.

    *extras* are what guards ask about them: what they decline is pushed no more. *step* is the whole that
    they belong to, if that is one.
    """

    command: scripts.Packed
    raws: list[bytes]
    extras: Mapping[bytes, Guarded]
    step: Step | None = None


class PushBuffer:
    """Pushes so that each push is done once, and keeps up to *limit* jobs while Redis is away.

    *open*: pushes go to Redis. *away*: they are kept, and nobody waits. *draining*: Redis answers
    again; who pushes waits until all that is older has been pushed.

    Threads: any. While anything is kept, a thread of its own tries to push it. A forked child begins
    with an empty buffer: what the parent keeps is the parent's.
    """

    in_asyncio: InAsyncio = "gathered"
    whole = False

    def __init__(self, sender: RedisSender, limit: int, host: Host) -> None:
        self._sender, self._limit, self._report = sender, limit, host.report
        self.begin()
        host.events.on("exit", self.close)
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self.begin)

    def begin(self) -> None:
        """Begin empty, with a new lock: a forked child has neither the thread nor who held the old."""
        self._changed = threading.Condition()
        self._state, self._why = "open", ""  # why it is away
        self._kept: list[Parcel] = []
        self._room, self._total = self._limit, 0  # jobs: still to come, kept since it was away
        self._trying = self._closing = False

    def push_one(self, queue: str, raw: bytes, jid: str) -> StoreError | None:
        """Push one payload, or keep it; see :meth:`push`."""
        outcome = self.push(Load({queue: [raw]}, (), (jid,)))
        return outcome and outcome.errors[queue]

    def push(self, load: Load) -> Outcome | None:
        """Push payloads, or keep them all; see :class:`kiq.sender.Sender`.

        Redis that can't be reached refuses only what can't be kept.
        """
        new = self._parcels(load)
        with self._changed:
            self._changed.wait_for(lambda: self._state != "draining")
            away = StoreUnavailable(self._why) if self._state == "away" else None
            refused = away and self._keep(new, away)
        if away is None:
            outcome = self._sender.send(load, [each.command for each in new])
            away = outcome and _unreachable(outcome)
            if away is None:
                return outcome
            with self._changed:
                first, refused = not self._trying, self._keep(new, away)
            if first and refused is None:
                logger.warning("%s; meanwhile up to %d jobs are kept here", away, self._limit)
        return None if refused is None else Outcome(dict.fromkeys(load.places, refused))

    def push_step(self, step: Step) -> None:
        """Do *step*, or keep all of it; it has to bear being sent again. See :class:`kiq.sender.Sender`."""
        raws = [raw for load, _ in step.parts for place in load.queues.values() for raw in place]
        raws += [raw for load, _ in step.parts for _, raw in load.scheduled]
        new = [Parcel(self._sender.step(step), raws, {}, step)]
        with self._changed:
            self._changed.wait_for(lambda: self._state != "draining")
            away = StoreUnavailable(self._why) if self._state == "away" else None
            refused = away and self._keep(new, away)
        if away is None:
            try:
                self._sender.push_step(step)
            except StoreUnavailable as error:
                with self._changed:
                    refused = self._keep(new, error)
        if refused is not None:
            raise refused

    def close(self) -> None:
        """Try once more, for two seconds at most, and log what is left; from now on keep nothing."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._trying, _AT_EXIT)
            left, self._kept = self._kept, []
        for job in (decode(raw)[0] for each in left for raw in each.raws):
            logger.error(
                "lost, unless it reached Redis unseen: %s jid=%s", job["class"], job["jid"]
            )

    def _parcels(self, load: Load) -> list[Parcel]:
        """Return what pushes *load*, each place's once; a token counts for an hour."""
        pack = self._sender.pack
        return [
            Parcel(pack(command), raws, load.extras)
            for command, raws in push_commands(load, new_jid)
        ]

    def _keep(self, new: list[Parcel], error: StoreUnavailable) -> StoreUnavailable | None:
        """Keep *new*; return *error* and why, if that can't be."""
        jobs = _jobs(new)
        if self._closing or jobs > self._room:
            full = f"the buffer of {self._limit} jobs is full"
            why = "this process ends" if self._closing else full
            refused = StoreUnavailable(f"{error}; {why}", error.maybe_done)
            refused.__cause__ = error.__cause__
            return refused
        first = not self._trying
        if first:
            Kept(self._run, "kiq-push-buffer").start()
        self._trying, self._state, self._why = True, "away", str(error)
        self._kept += new
        self._room, self._total = self._room - jobs, jobs if first else self._total + jobs
        self._changed.notify_all()  # the thread may sleep for seconds yet, with Redis back
        return None

    def _run(self) -> None:
        """Try to push what is kept until nothing is left: at once, then less and less often."""
        pause, last = 0.0, False
        while not last:
            with self._changed:
                # Half a second in any case; what follows of the pause, a push cuts short.
                self._changed.wait_for(lambda: self._closing, min(pause, _PAUSE))
                self._changed.wait(0 if self._closing else max(pause - _PAUSE, 0))
                closing = self._closing
            self._drain()
            pause = min(max(2 * pause, _PAUSE), _LONGEST_PAUSE)
            with self._changed:
                if last := closing or not self._kept:
                    self._trying, self._state = False, "open"
                    total = 0 if self._kept else self._total
                    self._changed.notify_all()
        if total:
            logger.info("Redis answers again: the %d jobs that were kept have been pushed", total)

    def _drain(self) -> None:
        """Push what is kept, the oldest first, until Redis does not take some of it."""
        errors: list[Exception] = []
        while not errors and (batch := self._kept[:_AT_ONCE]):
            try:
                replies = self._sender.exchange([each.command for each in batch])
            except Exception as error:  # noqa: BLE001 (without this thread nobody would push them)
                replies = [error] * len(batch)
            told = [self._told(each, reply) for each, reply in zip(batch, replies, strict=True)]
            errors = [error for error in told if error is not None]
            left = [each for each, error in zip(batch, told, strict=True) if error is not None]
            away = any(isinstance(error, StoreUnavailable) for error in errors)
            with self._changed:
                self._kept[: len(batch)] = left
                self._room += _jobs(batch) - _jobs(left)
                self._state = "away" if away else "open" if errors or not self._kept else "draining"
                self._changed.notify_all()
            if errors and not away:
                logger.error("Redis refuses jobs that are kept, and stay so: %s", errors[0])

    def _told(self, parcel: Parcel, reply: Any) -> Exception | None:
        """Return why *parcel* has to be sent again; else tell what guards made of it: nobody waits."""
        if isinstance(reply, Exception):
            return reply
        if parcel.step is not None:
            try:
                parcel.step.told(self._sender.read_step(parcel.step, reply))
            except Exception as error:  # noqa: BLE001 (nobody waits for it)
                self._report(error, {"context": "push buffer"})
            return None
        refused = self._sender.refused(reply, parcel.raws, parcel.extras).values()
        failed = [one for one in refused if isinstance(one, StoreError)]
        if failed and not failed[0].maybe_done:
            return failed[0]
        for one in refused:
            if isinstance(one, Declined):
                one.tell(self._report)
            else:
                self._report(one, {"context": "push buffer"})
        return None


def _unreachable(outcome: Outcome) -> StoreUnavailable | None:
    errors = outcome.errors.values()
    return next((each for each in errors if isinstance(each, StoreUnavailable)), None)


def _jobs(parcels: list[Parcel]) -> int:
    return sum(len(each.raws) for each in parcels)
