"""Pushes that wait for a Session: savepoints, two phases, and one session after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, SessionTransaction, scoped_session, sessionmaker

from ...errors import ConfigError
from ...plugins.after_commit import Deferred, Transaction, push_all, together
from .begun import is_there
from .others import note, warn_of_others

logger = logging.getLogger("kiq.client")

_KEY = "kiq.after_commit"
_Waiting = dict[SessionTransaction, "_Level"]


class _Level:
    """What waits for one transaction or savepoint of a session."""

    __slots__ = ("committed", "jobs")

    def __init__(self) -> None:
        self.jobs: list[Deferred] = []
        self.committed = False


class SessionsTransaction:
    """The innermost transaction or savepoint that is open in a session."""

    def __init__(self, session: Session, current: SessionTransaction) -> None:
        self._session, self._current = session, current

    def defer(self, job: Deferred) -> None:
        """Push *job* when the outermost transaction of the session is committed."""
        waiting: _Waiting = self._session.info.setdefault(_KEY, {})
        waiting.setdefault(self._current, _Level()).jobs.append(job)


def finder(given: Sequence[Any], *, named: bool) -> Callable[[], Transaction | None]:
    """Return what finds the open transactions of *given*, sessions of whatever kind.

    *named*: begin one if there is none. Raises ConfigError for what is no session.
    """
    kinds = (Session, AsyncSession, scoped_session, async_scoped_session)
    for each in given:
        if not isinstance(each, kinds):
            more = "; it makes a new session at each call: give a scoped_session, or a function"
            why = more if isinstance(each, sessionmaker | async_sessionmaker) else ""
            raise ConfigError(f"after_commit takes a session of SQLAlchemy, not {each!r}{why}")
    _listen()

    def find() -> Transaction | None:
        found = (_session(each, makes=named) for each in given)
        sessions = [each for each in found if each is not None]
        if not named:
            warn_of_others(sessions)
        return together([one for each in sessions if (one := _current(each, named)) is not None])

    return find


def _current(session: Session, begins: bool) -> SessionsTransaction | None:
    if begins and not session.in_transaction() and session.autobegin:
        session.begin()
    current = session.get_nested_transaction() or session.get_transaction()
    return SessionsTransaction(session, current) if current is not None else None


def _session(given: Any, *, makes: bool) -> Session | None:
    """Return the Session of *given*; of a scope that has none yet, only if one is to be made."""
    if isinstance(given, scoped_session | async_scoped_session):
        if not makes and not is_there(given):
            return None
        given = given()
    session: Session = given.sync_session if isinstance(given, AsyncSession) else given
    return session


def _listen() -> None:
    """Hear of the transactions of all sessions; once, however often it is called."""
    for name, listener in (
        ("after_begin", note),
        ("after_commit", _after_commit),
        ("after_transaction_end", _after_transaction_end),
    ):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


def _after_commit(session: Session) -> None:
    """Note which transaction is committed; it still holds its connection."""
    current = session.get_nested_transaction() or session.get_transaction()
    if current is not None:
        # Also without jobs: another handler of the same event may push one after us.
        waiting: _Waiting = session.info.setdefault(_KEY, {})
        waiting.setdefault(current, _Level()).committed = True


def _after_transaction_end(session: Session, ended: SessionTransaction) -> None:
    """Push, pass on to the outer transaction, or drop, now that nothing of it is left.

    Not in ``after_commit``: an error there would leave the session half committed, and a slow Redis
    would hold a connection of the database.
    """
    waiting: _Waiting | None = session.info.get(_KEY)
    level = waiting.pop(ended, None) if waiting else None
    if waiting is None or level is None or not level.jobs:
        return
    if not level.committed:
        jids = [jid for job in level.jobs for jid in job.jids]
        logger.info("rolled back, so not pushed: %s", ", ".join(jids[:20]))
    elif ended.parent is not None:
        waiting.setdefault(ended.parent, _Level()).jobs.extend(level.jobs)
    else:
        push_all(level.jobs)
