"""Tables of plain text that fit the terminal: columns shrink, then the least needed ones go."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import click

from .text import cut, width_of

_GAP = "  "
_LOOKED_AT = 500  # rows that the widths of columns are taken from; later ones are cut to fit


@dataclass(frozen=True, slots=True)
class Column:
    """One column. *least* is how narrow it may become (0: it is never cut).

    *spare*: on a narrow screen the columns with the highest go first; 0 always stays. *tail*: its cells
    lose their beginning, not their end.
    """

    title: str
    right: bool = False
    least: int = 0
    spare: int = 0
    tail: bool = False


def render(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], screen: int | None
) -> Iterator[str]:
    """Yield the lines of a table at most *screen* wide (None: as wide as it gets, nothing cut).

    Rows are read as they are needed: a million of them take no memory. Cells are to be visible text.
    """
    waiting = iter(rows)
    first = list(itertools.islice(waiting, _LOOKED_AT))
    widths = [
        max([width_of(column.title), *(width_of(row[at]) for row in first)])
        for at, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    if screen is not None:
        shown, widths = _fitted(columns, widths, screen)
    titles = [column.title for column in columns]
    yield click.style(_line(columns, titles, shown, widths, screen is not None), bold=True)
    for row in itertools.chain(first, waiting):
        yield _line(columns, row, shown, widths, screen is not None)


def _fitted(
    columns: Sequence[Column], natural: Sequence[int], screen: int
) -> tuple[list[int], list[int]]:
    """Return which columns are shown, and how wide each column is."""
    shown = list(range(len(columns)))
    while True:
        widths = list(natural)
        while _total(shown, widths) > screen:
            soft = [at for at in shown if columns[at].least and widths[at] > columns[at].least]
            if not soft:
                break
            widths[max(soft, key=lambda at: widths[at])] -= 1
        spare = [at for at in shown if columns[at].spare]
        if _total(shown, widths) <= screen or not spare:
            return shown, widths
        shown.remove(max(spare, key=lambda at: columns[at].spare))


def _total(shown: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[at] for at in shown) + len(_GAP) * (len(shown) - 1)


def _line(
    columns: Sequence[Column],
    row: Sequence[str],
    shown: Sequence[int],
    widths: Sequence[int],
    cutting: bool,
) -> str:
    cells = []
    for at in shown:
        text = row[at]
        if cutting and columns[at].least:
            text = cut(text, widths[at], tail=columns[at].tail)
        padding = " " * (widths[at] - width_of(text))
        cells.append(padding + text if columns[at].right else text + padding)
    return _GAP.join(cells).rstrip()
