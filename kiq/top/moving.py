"""What keys do that move from one thing to the next; what acts is in :mod:`kiq.top.app`."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Key
from textual.widgets import Input

from .commanding import Wish, understood, words
from .completing import FILTER_KEYS, Completing, of_page
from .fleets import Fleet
from .picture import Place
from .pressing import by_key
from .standing import neighbour
from .views import TABS
from .watching import Watching

_OTHERS = {"retries": "dead", "dead": "retries"}


class Moving(Watching):
    """Keys, and the line that filters and commands are typed into."""

    BINDINGS = [Binding("ctrl+c", "quit", show=False, priority=True)]

    def __init__(self, fleets: Sequence[Fleet], *, interval: float = 1.0) -> None:
        super().__init__(fleets, interval=interval)
        self._known = by_key()
        #: What is typed: a "filter", a "command", a "number", or nothing.
        self.typed_for = ""
        self.line = Input(id="line", suggester=Completing(self._words))

    def _words(self) -> Sequence[str]:
        filters = [*of_page(self.body.page.rows), *FILTER_KEYS]
        return [*words(self.names), *filters] if self.typed_for == "command" else filters

    def compose(self) -> ComposeResult:
        """The line to type in stands above the footer."""
        *above, footer = super().compose()
        yield from (*above, self.line, footer)

    def on_mount(self) -> None:
        """Nothing is typed yet."""
        self.line.display = False

    def on_key(self, event: Key) -> None:
        """Do what the key says; what is typed into the line is the line's."""
        if self.focused is self.line:
            if event.key == "escape":
                event.stop()
                self.close_line()
            return
        event.stop()
        self.press(event.key)

    def press(self, key: str) -> None:
        """Do what a key says, outside of the line."""
        if key.isdecimal():
            at = int(key) - 1
            if 0 <= at < len(TABS):
                self.go(Place(list(TABS)[at]))
            return
        known = self._known.get(key)
        if known is not None:
            self.message = ""
            getattr(self, f"do_{known.action}")()
            self.look()

    def do_tab_on(self) -> None:
        """Go to the next view."""
        self.go(Place(neighbour(list(TABS), self.path.places[0].view, 1)))

    def do_tab_back(self) -> None:
        """Go to the view before."""
        self.go(Place(neighbour(list(TABS), self.path.places[0].view, -1)))

    def do_row_on(self) -> None:
        """Go to the next row."""
        self.body.move(1)

    def do_row_back(self) -> None:
        """Go to the row before."""
        self.body.move(-1)

    def do_first_row(self) -> None:
        """Go to the first row."""
        self.body.move(-len(self.body.page.rows))

    def do_last_row(self) -> None:
        """Go to the last row."""
        self.body.move(len(self.body.page.rows))

    def do_page_on(self) -> None:
        """Go to the next page: of a large set by its place, else by rows."""
        if not self.path.page_on(self.body.page.behind):
            self.body.move(self.body.room)

    def do_page_back(self) -> None:
        """Go to the page before."""
        if not self.path.page_back():
            self.body.move(-self.body.room)

    def do_open(self) -> None:
        """Look at what is behind the row."""
        row = self.body.current
        if row is None and self.body.page.rows:
            self.message = "what was under the cursor is gone"
        elif row is not None and row.to is not None:
            self.enter(row.to)

    def do_why(self) -> None:
        """Say why the job does not run."""
        row = self.body.current
        if row is not None and row.jid and self.path.here.view != "why":
            self.enter(Place("why", row.jid))
        elif row is None or not row.jid:
            self.message = "no job is under the cursor"

    def do_other(self) -> None:
        """Look at the other set of failures, through the same filter."""
        view = _OTHERS.get(self.path.here.view)
        if view is None:
            self.message = "there is no other set here: o goes from retries to dead, and back"
        else:
            self.path.turn(view)
            self.arrive()

    def do_back(self) -> None:
        """Go back."""
        if self.path.back():
            self.arrive()

    def do_freeze(self) -> None:
        """Freeze the picture, or let it go on."""
        self.frozen = not self.frozen
        self.reader.again()

    def do_unmask(self) -> None:
        """Show secrets, or hide them."""
        self.unmasked = not self.unmasked

    def do_again(self) -> None:
        """Read at once."""
        self.reader.again()

    def do_help(self) -> None:
        """Show the help."""
        if self.path.here.view != "help":
            self.enter(Place("help"))

    def do_leave(self) -> None:
        """Leave."""
        self.exit()

    def do_filter(self) -> None:
        """Type a filter."""
        self.open_line(
            "filter", self.path.here.wanted, "filter: class:Mail error:timeout age>2h text"
        )

    def do_command(self) -> None:
        """Type a command."""
        self.open_line("command", "", ", ".join(words(self.names)))

    def open_line(self, what: str, text: str, hint: str) -> None:
        """Have something typed."""
        self.typed_for = what
        self.line.value, self.line.placeholder = text, hint
        self.line.cursor_position = len(text)
        self.line.display = True
        self.line.focus()

    def close_line(self) -> None:
        """Nothing is typed any more."""
        self.line.display = False
        self.body.focus()
        self.look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was typed."""
        event.stop()
        what, self.typed_for = self.typed_for, ""
        self.close_line()
        self.typed(what, event.value.strip())

    def typed(self, what: str, text: str) -> None:
        """Do what *text* says, typed as a filter or as a command."""
        if what == "filter":
            self.path.filter(text)
            self.arrive()
        elif what == "command":
            self.obey(understood(text, self.names))

    def obey(self, wish: Wish) -> None:
        """Do what a command says."""
        if wish.problem:
            self.message = wish.problem
        elif wish.leave:
            self.exit()
        elif wish.fleet is not None:
            self.switch(wish.fleet)
        elif wish.place is not None:
            self.go(wish.place)
        self.frame()
