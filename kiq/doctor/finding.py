"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "danger"]
#: Every check that there is, for ``--only`` and ``--ignore``.
CHECKS = (
    *("clock", "codecs", "commands", "connections", "dead", "died", "disk", "eviction", "exposure"),
    *(
        "failing",
        "fsync",
        "growing",
        "hiredis",
        "late",
        "memory",
        "orphans",
        "overdue",
        "paused",
        "permissions",
    ),
    *("persistence", "processes", "pythons", "queues", "quiet-queue", "redis", "replies", "retry"),
    *(
        "role",
        "round-trip",
        "ruby-server",
        "schedule",
        "sidekiq-version",
        "silent",
        "tags",
        "timeout",
    ),
    *("unread", "untaken-queue", "version", "versions", "worker-clocks", "writes"),
)
LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "danger")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    *check* names it, and stays the same from version to version. *what* says what is so, *do* what to
    do about it (empty where nothing is); *where* names the queue, process or job class that it is about,
    if it is about one. Danger is what loses jobs, or keeps them waiting for ever.
    """

    check: str
    level: Level
    what: str
    do: str = ""
    where: str = ""
