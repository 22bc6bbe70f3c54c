"""``kiq.after_commit``: which transaction, for one call, for a block, or for the whole process."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

from ...errors import ConfigError
from .client import AfterCommit, Finder
from .deferred import Transaction
from .whereabouts import wait_by_default

#: Where the adapter of a database library is, each imported at its first use.
_ADAPTERS = {
    "sqlalchemy": "kiq.contrib.sqlalchemy.transactions",
    "django": "kiq.contrib.django.transactions",
}
_UNSAID: Any = object()


class _AfterCommit:
    """What ``kiq.after_commit`` is: call it with a session, or with ``using=`` a Django database.

    Threads: any; :meth:`always` is for boot.
    """

    def __init__(self) -> None:
        self._default: AfterCommit | None = None

    def __call__(self, session: Any = _UNSAID, *, using: str | None = None) -> AfterCommit:
        """Return a client, and ``with`` block, whose pushes wait until *session* has committed.

        *session* is an SQLAlchemy ``Session``, ``AsyncSession`` or ``scoped_session``, in which a
        transaction begins if none has; *using* is the alias of a Django database, or ``"__all__"`` for
        whichever are in a transaction. None means at once, whatever is the default. Raises
        ConfigError for anything else.
        """
        if session is None and using is None:
            return AfterCommit(_nowhere)
        if session is _UNSAID and using is None:
            if self._default is None:
                raise ConfigError(
                    "kiq.after_commit() needs to know of which transaction: give it a session, or "
                    'using="default" with Django, or say so for all by kiq.after_commit.always'
                )
            return AfterCommit(self._default._find)
        return AfterCommit(_finder(() if session is _UNSAID else (session,), using, named=True))

    def always(self, *sessions: Any, using: str | None = None) -> None:
        """From now on each push of this process waits for the transaction that is open around it.

        But bulks, which go at once, as in Sidekiq. Each of *sessions* is a ``scoped_session``, or a
        function that returns the session in use here, or None; *using* the alias of a Django database,
        or ``"__all__"``. Where several are in a transaction, a push waits for all of them. None turns
        it off. Raises ConfigError.
        """
        if sessions == (None,) and using is None:
            self._default = None
        else:
            self._default = AfterCommit(_finder(sessions, using, named=False), bulk=False)
        wait_by_default(self._default)


def _finder(sessions: Sequence[Any], using: str | None, *, named: bool) -> Finder:
    """*named*: the transaction was named at the call, or for the block."""
    if using is not None:
        if sessions:
            raise ConfigError("after_commit: give either a session or using=, not both")
        return cast(Finder, _adapter("django").finder(using, named=named))
    if not sessions:
        raise ConfigError("after_commit.always needs a session, or using= for Django")
    functions = [each for each in sessions if _library(each) is None]
    for each in functions:
        if named or not callable(each):
            raise ConfigError(
                f"after_commit: {each!r} is no session of SQLAlchemy; for Django write using="
            )
    return _of_functions(sessions) if functions else _of_sessions(sessions, named=named)


def _of_sessions(sessions: Sequence[Any], *, named: bool) -> Finder:
    for each in sessions:
        if _library(each) != "sqlalchemy":
            raise ConfigError(
                f"after_commit: {each!r} is no session of SQLAlchemy; for Django write using="
            )
    return cast(Finder, _adapter("sqlalchemy").finder(sessions, named=named))


def _of_functions(given: Sequence[Any]) -> Finder:
    def find() -> Transaction | None:
        asked = [each if _library(each) else each() for each in given]
        sessions = [each for each in asked if each is not None]
        return _of_sessions(sessions, named=False)() if sessions else None

    return find


def _library(session: Any) -> str | None:
    """Return the library from which the class of *session*, or one above it, comes."""
    modules = {each.__module__.partition(".")[0] for each in type(session).__mro__}
    return next((name for name in _ADAPTERS if name in modules), None)


def _adapter(library: str) -> Any:
    return import_module(_ADAPTERS[library])


def _nowhere() -> None:
    return None


after_commit = _AfterCommit()
