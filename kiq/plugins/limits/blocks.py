"""Blocks of code in a limit: ``with limiter:``, in jobs and in programs that are no workers."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from ...aio import in_thread
from ...api.home import Connection, connection
from ...clock import steady
from ...context import running, worker_here
from ...errors import ConfigError, StoreError
from .asking import Answer, adjust, ask, leaving, read_answer
from .holding import LEASE, keeper, logger
from .limited import LimitReached
from .rehearsing import rehearsed
from .starting import Asking
from .terms import Held

_LEAST, _MOST = 0.01, 0.25  # seconds between two looks


class Block:
    """A block of code in a limit, entered once at a time. Made by :meth:`Limiter.within`.

    Threads: the one that enters it.
    """

    def __init__(self, held: Held, name: str, wait: float, client: Any) -> None:
        self._held, self._name, self._wait, self._client = held, name, wait, client
        self._home: Connection | None = None
        self._who = self._holder = ""
        self._counted = held.cost

    def __enter__(self) -> Block:
        """Wait for room. Raises RateLimited when there is none in time, StoreError."""
        for seconds in self._entering():
            time.sleep(seconds)
        return self

    async def __aenter__(self) -> Block:
        """The same, while the event loop goes on."""
        steps = self._entering()
        while (seconds := await in_thread(next, steps, None)) is not None:
            await asyncio.sleep(seconds)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave: who waits longest comes."""
        self._leave()

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        await in_thread(self._leave)

    def used(self, cost: int) -> None:
        """Say how much it took in all, where that was not known before; for points, leaky and bucket.

        What was more than there was has to come back before anybody enters. One round trip.
        """
        if self._held.kind in ("concurrent", "window"):
            raise ConfigError(
                f"limit {self._name}: a {self._held.kind} takes what it was asked for"
            )
        if self._home is not None and cost != self._counted:
            self._home.call(adjust(self._held, cost - self._counted))
            self._counted = cost

    def _entering(self) -> Iterator[float]:
        """Ask, and yield the seconds of each pause."""
        if rehearsed(self._name):
            return
        self._home = home_of(self._client)
        job = running.get()
        self._who = f"w:{uuid.uuid4().hex}"
        self._holder = (
            f"{self._who}\n{job.jid if job else ''}\n{socket.gethostname()}:{os.getpid()}"
        )
        until, pause = steady() + self._wait, _LEAST
        while (answer := self._ask()).place is not None:
            left = until - steady()
            if left <= 0 or (answer.seconds or 0) > left:
                self._give_up()
                raise self._reached(answer)
            pause = min(2 * pause, _MOST)
            known = pause if answer.seconds is None else max(answer.seconds, 0.001)
            yield min(known, left, _MOST)
        if self._held.kind == "concurrent":
            keeper.add(self._holder, self._home, self._held)

    def _ask(self) -> Answer:
        waits = self._wait > 0
        command = ask([self._held], self._who, self._holder, lease=LEASE, queue_up=waits)
        assert self._home is not None
        return read_answer(self._home.call(command))

    def _give_up(self) -> None:
        if self._wait > 0:
            self._leave()
        self._home = None

    def _leave(self) -> None:
        if self._home is None:
            return
        keeper.remove(self._holder)
        try:
            self._home.call(leaving([self._held], self._who, self._holder))
        except StoreError as error:
            logger.warning(
                "limit %s: a slot could not be freed, and is free in %d s: %s",
                self._held.id,
                LEASE,
                error,
            )

    def _reached(self, answer: Answer) -> LimitReached:
        seconds = answer.seconds
        if seconds is None:
            seconds = random.uniform(1.0, 3.0) + 0.05 * answer.before
        return LimitReached(seconds, f"limit reached: {self._held.id}", self._name)


def home_of(client: Any) -> Connection:
    """Return the connection by which limits are asked here: the worker's, or that of *client*."""
    worker = worker_here() if client is None else None
    asking = worker.of(Asking) if worker is not None else None
    return asking.home if asking is not None else connection(client)


#: The blocks of ``with limiter:`` that are open here, the innermost last.
open_blocks: ContextVar[tuple[Block, ...]] = ContextVar("kiq_limits_blocks", default=())
