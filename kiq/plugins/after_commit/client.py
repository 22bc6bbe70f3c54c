"""A client that hands its pushes to the open transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Protocol, cast

from ... import interruption, plugin
from ...aio import Pushes
from ...client import Client, Sorted
from ...jid import Jid
from ...middleware import ClientContext
from ...payload import Payload, normalized
from .deferred import Deferred, Transaction
from .whereabouts import Block, attach, usual_client, where


class Finder(Protocol):
    """Finds the open transaction of one session, or of one database.

    It may have a method ``carrier``: what runs a plain function where the transaction is, or None.
    """

    def __call__(self) -> Transaction | None:
        """Return the transaction that is open here and now, or None."""


class AfterCommit(Client):
    """Pushes when the transaction that is open at the call has been committed; at once if none is.

    To be used as a client, ``HardWorker.via(kiq.after_commit(session))``, or as a ``with`` block, in
    which everything that this thread or task pushes waits.

    Threads: as the session; each block is of the thread or task that began it.
    """

    def __init__(self, find: Finder, *, bulk: bool = True) -> None:
        """*bulk*: whether bulks wait as well. No connection is made: it pushes by the usual client."""
        self._find = find
        self._bulk = bulk
        self._blocks: list[Block] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(usual_client(), name)

    @property
    def is_plain(self) -> bool:
        """False: each payload is looked at."""
        return False

    def push(self, payload: Payload, job_class: Any = None) -> str | None:
        """Push one payload after the commit; return its jid at once. See :meth:`kiq.Client.push`.

        Arguments are checked now, and what they are now is what is pushed. Client middleware runs
        after the commit, in the context of this call.
        """
        transaction = self._find()
        if transaction is None:
            return usual_client().push(payload, job_class)
        return self._defer(transaction, [payload], job_class, None)[0]

    def mark_of(self, jid: str) -> float | None:
        """See :meth:`kiq.Client.mark_of`."""
        return usual_client().mark_of(jid)

    async def push_awaited(self, payload: Payload, job_class: Any = None) -> str | None:
        """As :meth:`push`, for asyncio code: the loop does not wait for Redis."""
        carry = self._carrier()
        if carry is not None:
            return cast(str | None, await carry(self.push)(payload, job_class))
        transaction = self._find()
        if transaction is None:
            return await Pushes(usual_client()).push(payload, job_class)
        return self._defer(transaction, [payload], job_class, None)[0]

    async def push_slices_awaited(
        self, payloads: Iterable[Payload], job_class: Any = None, batch_size: int | None = None
    ) -> list[str | None]:
        """As :meth:`push_slices`, for asyncio code."""
        carry = self._carrier() if self._bulk else None
        if carry is not None:
            found = await carry(self.push_slices)(payloads, job_class, batch_size)
            return cast(list[str | None], found)
        transaction = self._find() if self._bulk else None
        if transaction is None:
            return await Pushes(usual_client()).push_slices(payloads, job_class, batch_size)
        given = list(payloads)
        return self._defer(transaction, given, job_class, batch_size) if given else []

    def _carrier(self) -> Callable[..., Any] | None:
        ask: Callable[[], Callable[..., Any] | None] | None = getattr(self._find, "carrier", None)
        return ask() if ask is not None else None

    def push_encoded(self, queue: str, raw: bytes, jid: str) -> str:
        """Push one payload that is encoded, at once."""
        return usual_client().push_encoded(queue, raw, jid)

    def push_slices(
        self, payloads: Iterable[Payload], job_class: Any = None, batch_size: int | None = None
    ) -> list[str | None]:
        """Push many payloads after the commit: they are kept in memory meanwhile."""
        transaction = self._find() if self._bulk else None
        if transaction is None:
            return usual_client().push_slices(payloads, job_class, batch_size)
        given = list(payloads)
        return self._defer(transaction, given, job_class, batch_size) if given else []

    def push_sorted(self, slices: Iterable[Sorted]) -> list[str | None]:
        """Push payloads that are encoded, at once."""
        return usual_client().push_sorted(slices)

    def _defer(
        self,
        transaction: Transaction,
        given: Sequence[Payload],
        job_class: Any,
        batch_size: int | None,
    ) -> list[str | None]:
        if interruption.due:
            interruption.arrive()
        payloads = [_stamped(normalized(payload), job_class) for payload in given]
        transaction.defer(Deferred(payloads, usual_client().encoded, job_class, batch_size))
        return [Jid(payload["jid"]) for payload in payloads]

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


def _stamped(payload: Payload, job_class: Any) -> Payload:
    """Let those layers of client middleware see *payload* now that belong to the call."""
    fold = plugin.host.client_middleware.fold(_payload_of, _stamps)
    stamped = fold(ClientContext(payload, job_class or payload["class"]))
    return stamped if isinstance(stamped, dict) else payload


def _stamps(layer: object) -> bool:
    return getattr(layer, "stamps", False) is True


def _payload_of(context: ClientContext) -> Payload:
    return context.payload
