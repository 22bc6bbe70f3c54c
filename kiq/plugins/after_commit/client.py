"""Where pushes go that wait for a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Protocol

from ... import plugin
from ...payload import Payload
from ...pusher import Pusher, Route
from ...sender import InAsyncio, Load, Step
from .deferred import DeferredLoad, DeferredStep, Transaction
from .whereabouts import Block, attach, usual_client, where


class Finder(Protocol):
    """Finds the open transaction of one session, or of one database.

    It may have a method ``carrier``: what runs a plain function where the transaction is, or None.
    """

    def __call__(self) -> Transaction | None:
        """Return the transaction that is open here and now, or None."""


class Waiting:
    """Hands loads to a transaction, which pushes them when it is committed.

    Threads: as the transaction.
    """

    in_asyncio: InAsyncio = "at once"
    whole = True

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def push(self, load: Load) -> None:
        """Take *load*: what is pushed is what it holds now."""
        if load.places:
            self._transaction.defer(DeferredLoad(load))

    def push_step(self, step: Step) -> None:
        """Take *step*: it is done after the commit, as it is."""
        self._transaction.defer(DeferredStep(step))

    def push_one(self, queue: str, raw: bytes, jid: str) -> None:
        """Take one payload."""
        self.push(Load({queue: [raw]}, (), (jid,)))


class AfterCommit(Route):
    """Pushes when the transaction that is open at the call has been committed; at once if none is.

    To be used as a client, ``HardWorker.via(kiq.after_commit(session))``, or as a ``with`` block, in
    which everything that this thread or task pushes waits. A push that waits returns its jid at once:
    arguments are checked at the call, and what they are then is pushed; client middleware runs after
    the commit, in the context of the call.

    Threads: as the session; each block is of the thread or task that began it.
    """

    def __init__(self, find: Finder, *, bulk: bool = True) -> None:
        """*bulk*: whether bulks wait as well. No connection is made: it pushes by the usual client."""
        self._find = find
        self._bulk = bulk
        self._blocks: list[Block] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(usual_client(), name)  # codec, limits, connector: those of the usual one

    def here(self, *, bulk: bool = False) -> Pusher:
        """Return what hands pushes to the transaction that is open here, or else the usual pusher."""
        transaction = self._find() if self._bulk or not bulk else None
        usual = usual_client().here(bulk=bulk)
        if transaction is None:
            return usual
        return Pusher(
            Waiting(transaction),
            codec=usual.codec,
            sidekiq=usual.sidekiq,
            max_payload=usual.max_payload,
            host=plugin.host,
            at_call=True,
        )

    def push(self, payload: Payload, job_class: Any = None) -> str | None:
        """Push one payload after the commit; see :meth:`kiq.Client.push`."""
        return self.here().push(payload, job_class)

    def push_slices(
        self, payloads: Iterable[Payload], job_class: Any = None, batch_size: int | None = None
    ) -> list[str | None]:
        """Push many payloads after the commit; see :meth:`kiq.Client.push_slices`."""
        return self.here(bulk=True).push_slices(payloads, job_class, batch_size)

    def carrier(self, *, bulk: bool = False) -> Callable[..., Any] | None:
        """Return what runs a plain function on the thread of the transaction, None where this is it."""
        ask: Callable[[], Callable[..., Any] | None] | None = getattr(self._find, "carrier", None)
        return ask() if ask is not None and (self._bulk or not bulk) else None

    def mark_of(self, jid: str) -> float | None:
        """See :meth:`kiq.Client.mark_of`."""
        return usual_client().mark_of(jid)

    def __enter__(self) -> AfterCommit:
        attach()
        self._blocks.append(Block(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # That of this thread or task: others may have begun theirs after it, by the same client.
        here = where.get()
        block = here if here in self._blocks else self._blocks[-1]
        self._blocks.remove(block)
        block.end()
