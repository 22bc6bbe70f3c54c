"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "danger"]
LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "danger")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    *check* names it, and stays the same from version to version. *what* says what is so, *do* what to
    do about it (empty where nothing is). Danger is what loses jobs, or keeps them waiting for ever.
    """

    check: str
    level: Level
    what: str
    do: str = ""
