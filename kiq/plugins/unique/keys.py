"""The keys of unique jobs."""

from __future__ import annotations

#: Sorted set of the names of locks that are held, score = since when, seconds.
LOCKS = "kiq:unique"
#: Sorted set of jids whose job was replaced while it lay where nobody looks for it, score = when, seconds:
#: it is dropped when it would start.
REPLACED = "kiq:unique-replaced"

_RUN = "run:"


def lock(name: str) -> str:
    """Return the key of the lock *name*: a hash that says whose it is."""
    return f"kiq:unique:{name}"


def run_name(key: str) -> str:
    """Return the name of the lock that jobs of *key* have while they run."""
    return _RUN + key


def waiting(key: str) -> str:
    """Return the key of the sorted set of jobs that wait until that lock is free, score = since when."""
    return f"kiq:unique-waiting:{key}"


def waited_for(name: str) -> str | None:
    """Return the key of what waits for the lock *name*; None where nothing can."""
    return waiting(name[len(_RUN) :]) if name.startswith(_RUN) else None
