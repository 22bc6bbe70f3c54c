"""A push that waits for a commit, and what happens when that came."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextvars import Context, copy_context
from typing import Any, Protocol

from ... import plugin
from ...codec import decode
from ...errors import StoreError, StoreUnavailable
from ...guarding import Declined
from ...middleware import stamped
from ...payload import Payload
from ...registry import registry
from ...sender import Load, Step
from .whereabouts import leave_blocks, usual_client

logger = logging.getLogger("kiq.client")

_MOST_NAMED = 20  # jobs in one note


class Deferred(ABC):
    """What waits for commits, of *jids* and *name* for messages."""

    def __init__(self, name: str, jids: Sequence[str]) -> None:
        self.name = name
        self.jids = list(jids)
        self.commits = 1  # that are still to come

    def committed(self) -> bool:
        """Note that one of the transactions is committed; tell whether that was the last."""
        self.commits -= 1
        return self.commits == 0

    @abstractmethod
    def push(self) -> None:
        """Push. Raises what a push raises."""


class DeferredStep(Deferred):
    """Jobs that go in one step: all that was to be decided at the call is decided."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.name, step.jids)
        self._step = step

    def push(self) -> None:
        """Do the step. Raises what that does."""
        copy_context().run(self._push)

    def _push(self) -> None:
        leave_blocks()
        usual_client().here().sender.push_step(self._step)


class DeferredLoad(Deferred):
    """Jobs of one call: their bytes as they were then, and the context of the call.

    What is sent is what was given: whoever changes an argument after the call changes no job.
    """

    def __init__(self, load: Load) -> None:
        queues = [(raw, None) for raws in load.queues.values() for raw in raws]
        self._payloads = [*queues, *((raw, at) for at, raw in load.scheduled)]
        name = str(decode(self._payloads[0][0])[0]["class"])
        super().__init__(name, [str(jid) for jid in load.jids if jid is not None])
        self._batch_size = load.batch_size
        self._context: Context = copy_context()

    def push(self) -> None:
        """Push, with all client middleware, as if by the call. Raises what a push raises."""
        declined: list[Declined] = []
        pushed = {*self._context.run(self._push, declined)}
        for one in declined:
            pushed.add(one.payload["jid"])
            one.tell(plugin.host.report)
        for jid in self.jids:
            if None in pushed and jid not in pushed:
                logger.info(
                    "dropped after the commit: a client middleware vetoed it [jid=%s class=%s]",
                    jid,
                    self.name,
                )

    def _push(self, declined: list[Declined]) -> list[str | None]:
        leave_blocks()  # that of the call has had its commit
        stamped.set(frozenset(self.jids))
        job_class = _class_of(self.name)
        pusher = usual_client().here(bulk=True)
        # Nobody waits for what a guard makes of it: it is told when all is pushed.
        return pusher.push_slices(self._waiting(), job_class, self._batch_size, declined.append)

    def _waiting(self) -> Iterator[Payload]:
        for raw, at in self._payloads:
            payload, _ = decode(raw)
            payload.pop("enqueued_at", None)  # it is pushed now
            yield payload if at is None else {**payload, "at": at}


def _class_of(name: str) -> Any:
    spec = registry.find(name)
    return spec and spec.cls


class Transaction(Protocol):
    """One that is open, as a database library's adapter shows it."""

    def defer(self, job: Deferred) -> None:
        """Push *job* when the outermost transaction is committed, and never if it is rolled back."""


class _Several:
    """Transactions that are open at the same time: a push waits for all of them."""

    def __init__(self, transactions: Sequence[Transaction]) -> None:
        self._transactions = transactions

    def defer(self, job: Deferred) -> None:
        """Push *job* when the last is committed, and never if one is rolled back."""
        job.commits = len(self._transactions)
        for each in self._transactions:
            each.defer(job)


def together(transactions: Sequence[Transaction]) -> Transaction | None:
    """Return what stands for all of *transactions*; None for none."""
    if len(transactions) < 2:
        return transactions[0] if transactions else None
    return _Several(transactions)


def push_all(jobs: Sequence[Deferred]) -> None:
    """Push *jobs*, whose transaction is committed, in their order; those that wait for no other.

    One that fails does not keep the others back, unless Redis can't be reached. Raises the first
    error when all is done; its notes name what was not pushed, and the ``jids`` of a StoreError.
    """
    first: Exception | None = None
    failed: list[Deferred] = []
    for job in jobs:
        if not job.committed():
            continue
        if not isinstance(first, StoreUnavailable):
            try:
                job.push()
                continue
            except Exception as error:  # noqa: BLE001 (raised below, when the others had their turn)
                first = first or error
        failed.append(job)
    if first is not None:
        raise _told(first, failed)


def _told(error: Exception, failed: Sequence[Deferred]) -> Exception:
    jids = [jid for job in failed for jid in job.jids]
    named = [f"{job.name} {jid}" for job in failed for jid in job.jids][:_MOST_NAMED]
    more = f" and {len(jids) - len(named)} more" if len(jids) > len(named) else ""
    text = f"the transaction is committed, but not pushed: {', '.join(named)}{more}"
    error.add_note(f"kiq: {text}")
    if isinstance(error, StoreError):
        error.jids = tuple(jids)
    return error
