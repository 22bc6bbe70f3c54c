"""Forks: a child begins with no connection of its parent's, and with no session."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from ...plugin import Host
from .begun import is_there

logger = logging.getLogger("kiq.sqlalchemy")


class Forks:
    """What is done about *scopes*, and the engines that they are bound to, when the process forks."""

    def __init__(self, scopes: Sequence[Any], async_scopes: Sequence[Any]) -> None:
        self._scopes = scopes
        self._factories = [scope.session_factory for scope in (*scopes, *async_scopes)]

    def install(self, host: Host) -> None:
        """Attach to *host*."""
        host.on("before_fork")(self._leave_none_open)
        host.on("after_fork")(self._begin_anew)

    def _leave_none_open(self) -> None:
        """Remove the sessions of the thread that forks: parent and child would speak in one transaction."""
        for scope in self._scopes:
            if not is_there(scope):
                continue
            if scope.registry().in_transaction():
                logger.warning(
                    "%r has a session with a transaction while this process forks: it is rolled back; "
                    "end it before, by commit() or by %s.remove()",
                    scope,
                    type(scope).__name__,
                )
            scope.remove()

    def _begin_anew(self) -> None:
        """Forget the connections that the child has inherited, and leave them to the parent, open."""
        for engine in set(self._engines()):
            # One connection, which may hold the database itself: SQLite's, in memory.
            if not isinstance(engine.pool, StaticPool | SingletonThreadPool):
                engine.dispose(close=False)

    def _engines(self) -> Iterator[Engine]:
        for factory in self._factories:
            given = getattr(factory, "kw", {})
            for bind in (given.get("bind"), *(given.get("binds") or {}).values()):
                if isinstance(bind, AsyncEngine | AsyncConnection):
                    yield bind.sync_engine
                elif isinstance(bind, Engine | Connection):
                    yield bind.engine
