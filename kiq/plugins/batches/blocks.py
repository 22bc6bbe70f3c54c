"""Blocks: while one is open, what this thread or task pushes belongs to its batch."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any

from ...client import default_client, stand_ins
from ...guarding import Guard
from ...plugin import host
from ...pusher import Pusher, Route
from ...sender import InAsyncio, Load, Step
from .leaving import FIELD

#: The block that is open here; None outside of such, or where what runs is to push as ever.
where: ContextVar[Block | None] = ContextVar("kiq_batch", default=None)


class Collected:
    """What was pushed in a block: a sender that keeps it.

    Threads: any, those of tasks that were begun in the block.
    """

    def __init__(self, most: int | None, full: Callable[[], None]) -> None:
        """*full* is called when there are *most* jobs, on the thread that pushes."""
        self.most, self._full = most, full
        self._lock = threading.Lock()
        self._loads: list[Load] = []
        self._size = 0
        # A full one is pushed by the one who fills it.
        self.in_asyncio: InAsyncio = "aside" if most else "at once"
        self.whole = not most

    def push(self, load: Load) -> None:
        """Keep *load*."""
        with self._lock:
            self._loads.append(load)
            self._size += len(load.jids)
            full = self.most is not None and self._size >= self.most
        if full:
            self._full()

    def push_one(self, queue: str, raw: bytes, jid: str) -> None:
        """Keep one payload."""
        self.push(Load({queue: [raw]}, (), (jid,)))

    def push_step(self, step: Step) -> None:
        """Nothing comes in steps here: a batch within another hands over its parts."""
        raise NotImplementedError(step)

    def take(self) -> list[Load]:
        """Return what there is, and keep it no longer."""
        with self._lock:
            taken, self._loads, self._size = self._loads, [], 0
        return taken


class Collector(Pusher):
    """Makes loads of what is pushed in a block, as the client would that is used there."""

    def __init__(self, route: Route, collected: Collected, bid: str) -> None:
        self._route, self._collected = route, collected
        usual = route.here()

        def stamp(payload: dict[str, Any]) -> None:
            payload[FIELD] = bid

        guard = Guard("batch", guarding=_nothing, check="return nil", stamp=stamp)
        super().__init__(
            collected,
            codec=usual.codec,
            sidekiq=usual.sidekiq,
            max_payload=usual.max_payload,
            host=host,
            guards=(guard,),
        )

    def slice_size(self, batch_size: int | None) -> int | None:
        """See :meth:`kiq.pusher.Pusher.slice_size`: no more than is kept."""
        most = self._collected.most
        return super().slice_size(batch_size) if most is None else min(most, batch_size or 1000)

    def mark_of(self, jid: str) -> float | None:
        """See :meth:`kiq.Client.mark_of`."""
        return self._route.mark_of(jid)


class Block:
    """One ``with`` block, from now on.

    Threads: of one thread or task; a task that was begun in it may outlive it, a forked child is in none.
    """

    def __init__(self, batch: Any, pusher: Pusher) -> None:
        _attach()
        self.batch = batch
        self.pusher = pusher
        self._open, self._pid = True, os.getpid()
        self._token: Token[Any] = where.set(self)

    @property
    def is_open(self) -> bool:
        """Whether pushes belong to it, here."""
        return self._open and self._pid == os.getpid()

    def end(self) -> None:
        """Let pushes go where they went before."""
        self._open = False
        with suppress(ValueError):  # a generator that ends in another context, where none was begun
            where.reset(self._token)


def usual_client() -> Route:
    """Return the client that would push if no block were open."""
    token = where.set(None)
    try:
        return default_client()
    finally:
        where.reset(token)


def leave_blocks() -> None:
    """Let no block that is open hold from here on, in this context: what runs is none of its code."""
    where.set(None)


def open_block() -> Block | None:
    """Return the block that is open here."""
    block = where.get()
    return block if block is not None and block.is_open else None


def _here() -> Route | None:
    block = open_block()
    return block.pusher if block is not None else None


def _attach() -> None:
    """Be asked for the client of each push, before others are; nothing is slower before that."""
    if _here not in stand_ins:
        stand_ins.insert(0, _here)
    elif stand_ins[0] is not _here:  # who came later would be asked before
        stand_ins.remove(_here)
        stand_ins.insert(0, _here)


def _nothing(_payload: dict[str, Any]) -> None:
    return None
