"""``kiq.after_commit``: which transaction, for one call, for a block, or for the whole process."""

from __future__ import annotations

from collections.abc import Callable
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
        transaction begins if none has; *using* is the alias of a Django database. None means at
        once, whatever is the default. Raises ConfigError for anything else.
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
        return AfterCommit(_finder(session, using, begins=True))

    def always(self, session: Any = _UNSAID, *, using: str | None = None) -> None:
        """From now on each push of this process waits for the transaction that is open around it.

        But bulks, which go at once, as in Sidekiq. *session* is a ``scoped_session``, or a function
        that returns the session in use here, or None; *using* the alias of a Django database.
        None turns it off. Raises ConfigError.
        """
        if session is None and using is None:
            self._default = None
        else:
            self._default = AfterCommit(_finder(session, using, begins=False), bulk=False)
        wait_by_default(self._default)


def _finder(session: Any, using: str | None, *, begins: bool) -> Finder:
    if using is not None:
        if session is not _UNSAID:
            raise ConfigError("after_commit: give either a session or using=, not both")
        return cast(Finder, _adapter("django").finder(using))
    if session is _UNSAID:
        raise ConfigError("after_commit.always needs a session, or using= for Django")
    library = _library(session)
    if library == "sqlalchemy":
        return cast(Finder, _adapter(library).finder(session, begins=begins))
    if library is None and callable(session) and not begins:
        return _of_function(session)
    raise ConfigError(
        f"after_commit: {session!r} is no session of SQLAlchemy; for Django write using="
    )


def _of_function(find_session: Callable[[], Any]) -> Finder:
    def find() -> Transaction | None:
        session = find_session()
        if session is None:
            return None
        return _finder(session, None, begins=False)()

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
