"""Sessions end with the job that used them, and their connections go back to the pool."""

from __future__ import annotations

import logging
import threading
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, scoped_session

from ...errors import ConfigError
from ...middleware import Next, ServerContext
from ...plugin import Host
from ..threads import has_its_thread

logger = logging.getLogger("kiq.sqlalchemy")


class _Begun:
    """The sessions that have begun a transaction in one run, on its own thread."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.sessions: WeakSet[Session] = WeakSet()


_begun: ContextVar[_Begun | None] = ContextVar("kiq_sessions_begun", default=None)


class Sessions:
    """The plugin ``sqlalchemy``: removes scoped sessions after each job, and closes leaked ones.

    What a job has not committed is rolled back. Jobs that run here and now (``perform_inline``) share
    the sessions of their caller, and async jobs have no thread of their own: both are left alone.
    """

    cleans_up = True
    name = "sqlalchemy"

    def __init__(self, *scopes: scoped_session[Any]) -> None:
        """*scopes* are the scoped sessions of the application. Raises ConfigError for others."""
        for scope in scopes:
            if not isinstance(scope, scoped_session):
                raise ConfigError(f"Sessions takes scoped sessions, not {scope!r}")
        self._scopes = scopes

    def install(self, host: Host) -> None:
        """Attach to *host*, outside of what other middleware does with the database."""
        self._host = host
        host.server_middleware.prepend(self)
        host.on("startup")(self._advise)
        if not event.contains(Session, "after_begin", _note):
            event.listen(Session, "after_begin", _note)

    def applies_to(self, job_class: Any) -> bool:
        """Return whether jobs of this class have a thread of their own."""
        return has_its_thread(job_class)

    def __call__(self, run: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, then end its sessions; an error in that is reported, and fails no job."""
        if not run.in_worker:
            return call_next(run)
        begun = _Begun()
        token = _begun.set(begun)
        try:
            return call_next(run)
        finally:
            _begun.reset(token)
            for scope in self._scopes:
                self._remove(scope, run)
            for session in list(begun.sessions):
                self._close(session, run)

    def _remove(self, scope: scoped_session[Any], run: ServerContext) -> None:
        try:
            scope.remove()
        except Exception as error:  # noqa: BLE001 (the job is done, whatever its session does)
            scope.registry.clear()  # the next job must not get this session
            self._host.report(error, {"context": "removing a session", "jid": run.jid})

    def _close(self, session: Session, run: ServerContext) -> None:
        if not session.in_transaction():
            return
        logger.warning(
            "%s left a session open, which holds a connection: it is rolled back and closed; "
            "use `with Session(...)` [jid=%s]",
            run.payload.get("class"),
            run.jid,
        )
        try:
            session.close()
        except Exception as error:  # noqa: BLE001 (the job is done, whatever its session does)
            self._host.report(error, {"context": "closing a session", "jid": run.jid})

    def _advise(self) -> None:
        for scope in self._scopes:
            bind = getattr(scope.session_factory, "kw", {}).get("bind")
            if not isinstance(bind, Engine) or bind.dialect.name == "sqlite":
                continue
            if not getattr(bind.pool, "_pre_ping", True):
                logger.warning(
                    "%r has no pool_pre_ping: a connection that the database has closed meanwhile "
                    "fails the job that gets it; create_engine(..., pool_pre_ping=True) mends that",
                    bind,
                )


def _note(session: Session, *_: object) -> None:
    begun = _begun.get()
    if begun is not None and begun.thread == threading.get_ident():
        begun.sessions.add(session)
