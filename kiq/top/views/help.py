"""The help: keys and filters."""

from __future__ import annotations

from ..picture import Cell, Line, Page, line, text_page
from ..pressing import KEYS

_FILTERS = (
    ("class:Mail", "of a class: its whole name, or the last part of it"),
    ("queue: tag: jid: batch:", "of that queue, with that tag, that jid, of that batch"),
    ("error:timeout", "whose last error holds that"),
    ("age>2h retries>=5", "that failed first (else were pushed) longer ago; that failed so often"),
    ('"no route" word', "whose payload holds that"),
    ("-tag:vip", "the others"),
)


def help_page() -> Page:
    """Return the help."""
    lines: list[Line] = [line(Cell("Keys", "bold"))]
    lines += [line(f"{each.shown:<10}", each.what) for each in KEYS]
    lines += [(), line(Cell("Filters", "bold"))]
    lines += [line(f"{form:<26}", what) for form, what in _FILTERS]
    return text_page(lines)
