"""Sessions that are in a transaction here, though no push waits for them: a warning."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextvars import ContextVar
from weakref import ReferenceType, ref

from sqlalchemy.orm import Session, SessionTransaction

logger = logging.getLogger("kiq.client")

#: The transactions that began in this context: this thread, this task.
_begun: ContextVar[tuple[ReferenceType[SessionTransaction], ...]] = ContextVar(
    "kiq_transactions", default=()
)
_warned = False


def note(session: Session, *_: object) -> None:
    """Remember the transaction that *session* begins."""
    begins = session.get_transaction()
    if begins is not None:
        known = [each for each in _open_here() if each is not begins]
        _begun.set(tuple(ref(each) for each in (*known, begins)))


def warn_of_others(waited_for: Collection[Session]) -> None:
    """Say, once, that a push does not wait for a transaction that is open around it."""
    global _warned
    if _warned:
        return
    others = [each.session for each in _open_here() if each.session not in waited_for]
    if others:
        _warned = True
        logger.warning(
            "a job is pushed in the midst of a transaction that it does not wait for, that of %r: "
            "kiq.after_commit.always knows another session. Name all of them, "
            "kiq.after_commit.always(A, B), or name the one at the call, "
            "HardWorker.via(kiq.after_commit(session)). This is said once",
            others[0],
        )


def _open_here() -> list[SessionTransaction]:
    found = (each() for each in _begun.get())
    return [each for each in found if each is not None and each.session.get_transaction() is each]
