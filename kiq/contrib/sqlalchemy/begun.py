"""The sessions that begin a transaction while a job runs, and where in a scope each is kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session


class Begun:
    """What one run has begun, on its own thread or loop; *scopes* are those of the application.

    The key of a session in its scope is asked for here, amid the job: where that key is of a context
    that a layer opens (Flask's), nobody can tell it when that has ended.
    """

    def __init__(self, scopes: Sequence[Any], *, is_async: bool) -> None:
        self._scopes = scopes
        self._is_async = is_async
        self._thread = threading.get_ident()
        self._pid = os.getpid()
        self.sessions: WeakSet[Session] = WeakSet()
        self._places: WeakKeyDictionary[Session, tuple[Any, Any]] = WeakKeyDictionary()

    def is_here(self) -> bool:
        """Tell whether this is the run's own process, and not a child that the job has forked."""
        return os.getpid() == self._pid

    def note(self, session: Session) -> None:
        """Remember *session*, if it is of this run."""
        if threading.get_ident() != self._thread:
            return
        if not self._is_async:
            self.sessions.add(session)
        for scope in self._scopes:
            key = _key(scope)
            if key is not None and _at(scope, key) is session:
                self._places[session] = (scope, key)

    def take_left(self) -> list[Any]:
        """Take what is still in its scope out of it; return the sessions."""
        left = []
        for session, (scope, key) in list(self._places.items()):
            if _at(scope, key) is session:  # the key may be another's by now
                left.append(scope.registry.registry.pop(key))
                self.sessions.discard(session)
        return left


def _key(scope: Any) -> Any:
    ask = getattr(scope.registry, "scopefunc", None)
    if ask is None:
        return None  # one by thread, which is found without a key
    try:
        return ask()
    except Exception:  # noqa: BLE001 (the session is of another scope: this one is not here)
        return None


def _at(scope: Any, key: Any) -> Session | None:
    found = scope.registry.registry.get(key)
    return found if isinstance(scope, scoped_session) else getattr(found, "sync_session", None)


def is_there(scope: Any) -> bool:
    """Tell whether *scope* has a session here.

    It has none where its own function can't say what "here" is: outside of a context of Flask, say, or
    of an event loop.
    """
    try:
        return bool(scope.registry.has())
    except Exception:  # noqa: BLE001 (whatever a scope's function raises out of its place)
        return False


here: ContextVar[Begun | None] = ContextVar("kiq_sessions_begun", default=None)


def listen() -> None:
    """Hear of all sessions; once, however often it is called."""
    if not event.contains(Session, "after_begin", _note):
        event.listen(Session, "after_begin", _note)


def _note(session: Session, *_: object) -> None:
    begun = here.get()
    if begun is not None:
        begun.note(session)
