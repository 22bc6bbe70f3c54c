"""How wide text is on a terminal; and what is shown everywhere, for commands to import from one place."""

from __future__ import annotations

import unicodedata

import click

from ..wording import (
    LONGEST,
    arguments,
    counted,
    duration,
    limited,
    lines_of,
    megabytes,
    moment,
    number,
    rate,
    visible,
)

__all__ = [
    "LONGEST",
    "arguments",
    "counted",
    "cut",
    "duration",
    "limited",
    "lines_of",
    "megabytes",
    "moment",
    "number",
    "rate",
    "visible",
    "width_of",
]


def width_of(text: str) -> int:
    """Return how many columns of a terminal *text* takes; its colours take none."""
    if "\x1b" in text:
        text = click.unstyle(text)
    if text.isascii():
        return len(text)
    return sum(_columns(each) for each in text)


def cut(text: str, width: int, *, tail: bool = False) -> str:
    """Return *text* in at most *width* columns; an ellipsis stands for what was cut off.

    That is the end, or the beginning where the *tail* is to be seen.
    """
    if width_of(text) <= width:
        return text
    kept, room = [], width - 1
    for each in reversed(text) if tail else text:
        room -= _columns(each)
        if room < 0:
            break
        kept.append(each)
    return "…" + "".join(reversed(kept)) if tail else "".join(kept) + "…"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
