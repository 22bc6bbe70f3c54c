"""The settings of a process: what its flags, its variables, its code and its files say, in one order."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from ..config import Config
from .file import NO_FILE, Document, read
from .resolve import Outcome, check, resolve
from .tree import Problem

_NOTHING: Mapping[str, Any] = MappingProxyType({})

#: Where ``kiq.client.configured()`` keeps what is no setting: the file and the flags of a worker or a
#: command, and the file that code named.
STARTED, FILE = "started", "file"


def load(
    path: str | None,
    *,
    flags: Mapping[str, Any] = _NOTHING,
    environ: Mapping[str, str] = os.environ,
    configured: Mapping[str, Any] = _NOTHING,
) -> Config:
    """Return the configuration of this process.

    *path* is the file; None looks for one of LOOKED_FOR, and does without when there is none.
    *flags*, *configured* are settings by their names ("concurrency", "queues", "redis_url", ...)
    from the command line and from ``kiq.configure``. Raises one ConfigError that lists all that
    is wrong, each with its place.
    """
    return check(_outcome(read(path), flags, environ, configured))


def problems(
    path: str | None,
    *,
    flags: Mapping[str, Any] = _NOTHING,
    environ: Mapping[str, str] = os.environ,
    configured: Mapping[str, Any] = _NOTHING,
) -> list[Problem]:
    """Return all that is wrong with what ``load`` would read, in the order of its places."""
    return _outcome(read(path), flags, environ, configured).problems


def started(path: str | None, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``kiq.client.use_settings`` is to know of a worker or a command, for ``settings``."""
    return {STARTED: (read(path), dict(flags))}


def settings(
    given: Mapping[str, Any],
    *,
    only: Collection[str] | None = None,
    pending: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Return the configuration of a process whose code gave *given* (``kiq.client.configured()``).

    *only* names what is wanted, and looked at; *pending* says that its plugins are not loaded yet, so
    that sections which nobody knows may be theirs. Raises ConfigError as ``load`` does.
    """
    return check(outcome(given, only=only, pending=pending, environ=environ))


def outcome(
    given: Mapping[str, Any],
    *,
    only: Collection[str] | None = None,
    pending: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Outcome:
    """Return what :func:`settings` would, with all problems."""
    configured, wanted = dict(given), {"only": only, "pending": pending}
    document, flags = configured.pop(STARTED, (None, {}))
    named = configured.pop(FILE, None)
    if document is None or named is None or named.path == document.path:
        return _outcome(document or named or NO_FILE, flags, environ, configured, **wanted)
    return _outcome(document, flags, environ, configured, beside=named, **wanted)


def _outcome(
    document: Document,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    configured: Mapping[str, Any],
    **others: Any,
) -> Outcome:
    file = document.path
    found = resolve(
        document.tree, file, flags=flags, environ=environ, configured=configured, **others
    )
    if others.get("only") is None:
        found.problems.extend(document.problems)
        found.note(document.notices)
    found.problems.sort(key=lambda each: (each.source != file, each.source, each.line or 0))
    return found
