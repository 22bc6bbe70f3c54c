"""From cells to what Textual draws. The one gate: nothing that data holds passes it as more than text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style as Drawn
from textual.strip import Strip

from ..wording import visible
from .picture import Cell, Column, Line, Row, Style

GAP = 2  # columns between two cells
#: Sixteen colours, as the terminal has them: they are readable on its own background.
_STYLES: Mapping[Style, Drawn] = {
    "": Drawn(),
    "dim": Drawn(dim=True),
    "bold": Drawn(bold=True),
    "good": Drawn(color="green"),
    "warn": Drawn(color="yellow"),
    "bad": Drawn(color="red", bold=True),
    "here": Drawn(bold=True, reverse=True),
}
_REVERSE = Drawn(reverse=True)


def strip_of(line: Line, width: int, *, reverse: bool = False) -> Strip:
    """Return *line* in exactly *width* columns."""
    segments = [Segment(visible(cell.text), _STYLES[cell.style]) for cell in line]
    strip = Strip(segments).adjust_cell_length(width)
    return strip.apply_style(_REVERSE) if reverse else strip


def cut(text: str, width: int, *, tail: bool = False) -> str:
    """Return visible *text* in at most *width* columns; an ellipsis stands for what was cut off."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return "…" * width
    if not tail:
        return set_cell_size(text, width - 1).rstrip(" …") + "…"
    kept = text[-(width - 1) :]
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return "…" + kept


class Layout:
    """How wide each column of a table is, on a screen *width* columns wide."""

    def __init__(self, columns: Sequence[Column], rows: Iterable[Row], width: int) -> None:
        self._columns = columns
        self._width = width
        natural = [cell_len(column.title) for column in columns]
        for row in rows:
            for at, cell in enumerate(row.cells):
                natural[at] = max(natural[at], cell_len(visible(cell.text)))
        self._shown, self._widths = self._fitted(natural)

    def _fitted(self, natural: Sequence[int]) -> tuple[list[int], list[int]]:
        columns, shown = self._columns, list(range(len(self._columns)))
        while True:
            widths = list(natural)
            over = sum(widths[at] for at in shown) + GAP * (len(shown) - 1) - self._width
            while over > 0:
                soft = [at for at in shown if columns[at].least and widths[at] > columns[at].least]
                if not soft:
                    break
                widths[max(soft, key=lambda at: widths[at])] -= 1
                over -= 1
            spare = [at for at in shown if columns[at].spare]
            if over <= 0 or not spare:
                break
            shown.remove(max(spare, key=lambda at: columns[at].spare))
        if over < 0:
            for at in shown:
                if columns[at].wide:
                    widths[at] -= over
                    break
        return shown, widths

    @property
    def titles(self) -> Line:
        """The line above the rows."""
        return self.line([Cell(column.title, "bold") for column in self._columns])

    def line(self, cells: Sequence[Cell]) -> Line:
        """Return the line of a row."""
        found: list[Cell] = []
        for at in self._shown:
            column, cell, width = self._columns[at], cells[at], self._widths[at]
            text = cut(visible(cell.text), width, tail=column.tail)
            room = " " * (width - cell_len(text))
            if found:
                found.append(Cell(" " * GAP))
            found.append(Cell(room + text if column.right else text + room, cell.style))
        return found
