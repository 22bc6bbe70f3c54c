"""Long text as lines. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ..wording import lines_of
from .picture import Cell, Line, Style, line

_MOST = 200  # lines
_LABEL = 14  # columns


def wrapped(text: str, columns: int, style: Style = "") -> Iterator[Line]:
    """Yield the lines of *text* in at most so many *columns*."""
    for part in parts_of(text, columns):
        yield line(Cell(part, style))


def labelled(name: str, text: str, columns: int) -> Iterator[Line]:
    """Yield the lines of *text* behind its *name*."""
    for at, part in enumerate(parts_of(text, columns - _LABEL)):
        label = name[: _LABEL - 1] if at == 0 else ""
        yield line(Cell(f"{label:<{_LABEL}}", "dim"), part)


def parts_of(text: str, columns: int) -> list[str]:
    """Return *text* in parts of at most so many *columns*, with room for the margin."""
    width = max(20, columns - 2)
    found: list[str] = []
    for each in lines_of(text)[:_MOST]:
        found += textwrap.wrap(each, width, break_on_hyphens=False) or [""]
    return found[:_MOST]
