"""The keys of names of job classes."""

from __future__ import annotations

#: Seconds that a list of names is kept, unless a process that has these shows so again.
LIFE = 2 * 86_400
#: The field of a process's info that names its list.
FIELD = "classes"


def names(digest: str) -> str:
    """Return the key of the set of names whose digest is that: all processes of one release share it."""
    return f"kiq:class-names:{digest}"
