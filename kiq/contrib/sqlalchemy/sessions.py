"""Sessions end with the job that used them, and their connections go back to the pool."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, async_scoped_session
from sqlalchemy.orm import Session, scoped_session

from ...errors import ConfigError, Shutdown
from ...middleware import Next, ServerContext
from ...plugin import Host
from ..threads import has_its_thread
from .begun import Begun, here, is_there, listen
from .forks import Forks

logger = logging.getLogger("kiq.sqlalchemy")


class Sessions:
    """The plugin ``sqlalchemy``: removes scoped sessions after each job, and closes leaked ones.

    What a job has not committed is rolled back. Of async jobs, which have no thread of their own, only
    the sessions of an ``async_scoped_session`` are removed. Jobs that run here and now
    (``perform_inline``) share the sessions of their caller, and are left alone.
    """

    cleans_up = True
    name = "sqlalchemy"

    def __init__(self, *scopes: scoped_session[Any] | async_scoped_session[Any]) -> None:
        """*scopes* are the scoped sessions of the application. Raises ConfigError for others."""
        for scope in scopes:
            if not isinstance(scope, scoped_session | async_scoped_session):
                raise ConfigError(f"Sessions takes scoped sessions, not {scope!r}")
        self._scopes = [one for one in scopes if isinstance(one, scoped_session)]
        self._async_scopes = [one for one in scopes if isinstance(one, async_scoped_session)]

    def install(self, host: Host) -> None:
        """Attach to *host*, outside of what other middleware does with the database."""
        self._host = host
        host.server_middleware.prepend(self)
        host.on("startup")(self._advise)
        Forks(self._scopes, self._async_scopes).install(host)
        listen()

    def applies_to(self, job_class: Any) -> bool:
        """Return whether jobs of this class have a thread of their own, or may have a scope."""
        return has_its_thread(job_class) or bool(self._async_scopes)

    def __call__(self, run: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Run the job, then end its sessions; an error in that is reported, and fails no job."""
        if not run.in_worker:
            return call_next(run)
        is_async = not has_its_thread(run.job_class)
        scopes = self._async_scopes if is_async else self._scopes
        begun = Begun(scopes, is_async=is_async)
        token = here.set(begun)
        try:
            return call_next(run)
        finally:
            here.reset(token)
            if begun.is_here():
                for scope in scopes:
                    self._remove(scope, run)
                for session in begun.take_left():
                    self._end(session.close, "removing a session", run)
                for session in list(begun.sessions):
                    self._close(session, run)

    def _remove(self, scope: Any, run: ServerContext) -> None:
        removed = not is_there(scope) or self._end(scope.remove, "removing a session", run)
        if not removed and is_there(scope):
            scope.registry.clear()  # the next job must not get this session

    def _close(self, session: Session, run: ServerContext) -> None:
        if not session.in_transaction():
            return
        logger.warning(
            "%s left a session open, which holds a connection: it is rolled back and closed; "
            "use `with Session(...)` [jid=%s]",
            run.payload.get("class"),
            run.jid,
        )
        self._end(session.close, "closing a session", run)

    def _end(self, act: Any, what: str, run: ServerContext) -> bool:
        """Do *act*, and wait for it where it is async; tell whether it succeeded."""
        try:
            outcome = act()
            if inspect.isawaitable(outcome):
                run.task.wait(outcome)  # type: ignore[attr-defined]
        except (Exception, Shutdown) as error:  # noqa: BLE001 (the job is done, whatever its session does)
            self._host.report(error, {"context": what, "jid": run.jid})
            return False
        return True

    def _advise(self) -> None:
        scopes: list[Any] = [*self._scopes, *self._async_scopes]
        for scope in scopes:
            bind = getattr(scope.session_factory, "kw", {}).get("bind")
            engine = bind.sync_engine if isinstance(bind, AsyncEngine) else bind
            if not isinstance(engine, Engine) or engine.dialect.name == "sqlite":
                continue
            if not getattr(engine.pool, "_pre_ping", True):
                logger.warning(
                    "%r has no pool_pre_ping: a connection that the database has closed meanwhile "
                    "fails the job that gets it; create_engine(..., pool_pre_ping=True) mends that",
                    engine,
                )
