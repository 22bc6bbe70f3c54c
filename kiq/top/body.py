"""The widgets: a page with its cursor, and lines. Each draws whole lines of values that it was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.strip import Strip
from textual.widget import Widget

from .painting import Layout, strip_of
from .picture import Cell, Line, Page, Row


class Lines(Widget):
    """Lines of cells, one below the other; as high as there are lines."""

    def __init__(self, make: Callable[[], Sequence[Line]], id: str) -> None:
        super().__init__(id=id)
        self._make = make
        self._lines: Sequence[Line] = ()

    def renew(self) -> None:
        """Ask anew what is to be shown."""
        self._lines = self._make()
        self.styles.height = len(self._lines)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        return strip_of(self._lines[y] if y < len(self._lines) else (), self.size.width)

    @property
    def text(self) -> str:
        """What is shown, as text."""
        return "\n".join(self.render_line(y).text.rstrip() for y in range(len(self._lines)))


class Body(Widget, can_focus=True):
    """A page. The cursor is on what a row shows, by its key, and not on a number.

    When that is gone, the cursor is on nothing until it is moved: whatever came into its place is not what
    somebody meant.
    """

    def __init__(self) -> None:
        super().__init__(id="body")
        self.page = Page()
        self.marked: dict[str, Row] = {}
        self._key = ""
        self._at = self._top = 0
        self._layout = Layout((), (), 80)

    def show(self, page: Page, *, anew: bool) -> None:
        """Show *page*; *anew*: of another place, with the cursor on the first row."""
        self.page = page
        if anew:
            self._at = self._top = 0
            self._key = ""
        places = {row.key: at for at, row in enumerate(page.rows)}
        if self._key in places:
            self._at = places[self._key]
        elif not self._key and page.rows:
            self._key = page.rows[0].key
        self._at = max(0, min(self._at, len(page.rows) - 1))
        for key in self.marked.keys() & places.keys():
            self.marked[key] = page.rows[places[key]]
        self.fit()

    def fit(self) -> None:
        """Lay the page out for the size that there is."""
        self._layout = Layout(self.page.columns, self._tabled, max(1, self.size.width - 2))
        self._keep_in_sight()
        self.refresh()

    @property
    def _tabled(self) -> Sequence[Row]:
        return self.page.rows if self.page.columns else ()

    @property
    def current(self) -> Row | None:
        """The row that the cursor is on; None: there is none, or it is gone."""
        rows = self.page.rows
        if self._at < len(rows) and rows[self._at].key == self._key:
            return rows[self._at]
        return None

    @property
    def room(self) -> int:
        """For how many rows there is room."""
        above = len(self.page.head) + bool(self.page.columns)
        return max(1, self.size.height - above - bool(self.page.note))

    def move(self, by: int) -> None:
        """Move the cursor by so many rows."""
        rows = self.page.rows
        if rows:
            self._at = max(0, min(len(rows) - 1, self._at + by))
            self._key = rows[self._at].key
        self._keep_in_sight()
        self.refresh()

    def mark(self) -> None:
        """Mark the row under the cursor, or no more; go on to the next."""
        row = self.current
        if row is not None and row.subject is not None:
            if self.marked.pop(row.key, None) is None:
                self.marked[row.key] = row
            self.move(1)

    def mark_all(self) -> None:
        """Mark all rows, or none where all were."""
        rows = {row.key: row for row in self.page.rows if row.subject is not None}
        self.marked = {} if rows.keys() <= self.marked.keys() else {**self.marked, **rows}
        self.refresh()

    def forget(self) -> None:
        """Mark nothing."""
        self.marked.clear()
        self.refresh()

    def _keep_in_sight(self) -> None:
        self._top = max(min(self._top, self._at), self._at - self.room + 1)
        self._top = max(0, min(self._top, len(self.page.rows) - self.room))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        line, on = self._line(y)
        return strip_of(line, self.size.width, reverse=on)

    def _line(self, y: int) -> tuple[Line, bool]:
        page = self.page
        if y < len(page.head):
            return page.head[y], False
        y -= len(page.head)
        if page.columns:
            if y == 0:
                return [Cell("  "), *self._layout.titles], False
            y -= 1
        at = self._top + y
        if y < self.room and at < len(page.rows):
            return self._row(at), at == self._at and page.rows[at].key == self._key
        if not page.rows and y == 1 and page.empty:
            return [Cell("  "), Cell(page.empty, "dim")], False
        if page.note and y == min(self.room, max(len(page.rows) - self._top, 3)):
            return [Cell("  "), Cell(page.note, "dim")], False
        return (), False

    def _row(self, at: int) -> Line:
        row = self.page.rows[at]
        lost = at == self._at and self.current is None
        sign = "*" if row.key in self.marked else "›" if lost else " "
        cells = self._layout.line(row.cells) if self.page.columns else row.cells
        return [Cell(f"{sign} "), *cells]

    @property
    def text(self) -> str:
        """What is shown, as text."""
        return "\n".join(self.render_line(y).text.rstrip() for y in range(self.size.height))

    def on_resize(self) -> None:
        """Use the room that there is now."""
        self.fit()

    def on_click(self, event: Click) -> None:
        """Put the cursor on the row that was pointed at."""
        at = self._top + event.y - len(self.page.head) - bool(self.page.columns)
        if self._top <= at < min(self._top + self.room, len(self.page.rows)):
            self.move(at - self._at)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move on by the wheel."""
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move back by the wheel."""
        event.stop()
        self.move(-3)
