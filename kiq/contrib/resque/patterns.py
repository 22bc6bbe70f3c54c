"""Queues by pattern: ``critical``, ``file_*``, ``*``, ``!low``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

_SPECIAL = re.compile(r"[*?\[!]")


def split(written: Iterable[str]) -> tuple[str, ...]:
    """Return the parts of lists such as ``critical, high``, without blanks."""
    parts = (part.strip() for each in written for part in each.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def is_dynamic(patterns: Iterable[str]) -> bool:
    """Tell whether any of *patterns* means other queues as these come."""
    return any(_SPECIAL.search(each) for each in patterns)


def chosen(patterns: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the queues that *patterns* mean, in their order; those of one pattern by name.

    A plain name is meant whether or not it is *known*. ``!low`` and ``!file_*`` take out what others
    mean, wherever they stand. Where nothing is left, the patterns stand for themselves: queues that nobody
    pushes to.
    """
    unwanted = [each[1:] for each in patterns if each.startswith("!")]
    wanted = [each for each in patterns if not each.startswith("!")]
    there = sorted(set(known))
    found: dict[str, None] = {}
    for each in wanted:
        meant = (
            [name for name in there if fnmatchcase(name, each)] if is_dynamic([each]) else [each]
        )
        found.update(dict.fromkeys(meant))
    names = [name for name in found if not any(fnmatchcase(name, no) for no in unwanted)]
    return names or wanted or list(patterns)
