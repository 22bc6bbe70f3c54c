"""The application as it is seen: it reads, and shows what was read."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.events import Resize
from textual.message import Message

from ..clock import steady
from .body import Body, Lines
from .fleets import Fleet
from .framing import footer_lines, header_lines
from .picture import Ask, Failed, Line, Page, Picture, Place
from .reading import Reader, read_picture
from .standing import Path, Weather
from .views import VIEWS, help_page


class Read(Message):
    """The reader has read."""

    def __init__(self, found: Picture | Failed) -> None:
        super().__init__()
        self.found = found


class Watching(App[None]):
    """What is seen. Threads: Textual's; what is read comes from a :class:`~kiq.top.reading.Reader`."""

    ENABLE_COMMAND_PALETTE = False
    #: The terminal's own colours, 16 of them: readable on light and on dark.
    CSS = """
    Screen { background: ansi_default; color: ansi_default; layout: vertical; overflow: hidden; }
    Lines { width: 100%; height: 1; background: ansi_default; }
    #body { width: 100%; height: 1fr; background: ansi_default; }
    #line, #line:focus { width: 100%; height: 1; border: none; padding: 0; }
    #line, #line:focus { background: ansi_default; color: ansi_default; }
    """

    def __init__(self, fleets: Sequence[Fleet], *, interval: float = 1.0) -> None:
        super().__init__(ansi_color=True)
        self.fleets = fleets
        self.path = Path()
        self.picture: Picture | None = None
        self.message = ""
        self.reads = 0  # how often something was read
        self.frozen = self.unmasked = False
        self._fleet = 0
        self._weather = Weather(interval, steady())
        self._asked: Ask | None = None
        self.header = Lines(self._header_lines, "header")
        self.footer = Lines(self._footer_lines, "footer")
        self.body = Body()
        self.reader = Reader(self._read, self._deliver, interval, self._ask())

    @property
    def fleet(self) -> Fleet:
        """The fleet that is looked at."""
        return self.fleets[self._fleet]

    @property
    def names(self) -> Sequence[str]:
        """The names of all fleets."""
        return [each.name for each in self.fleets]

    def compose(self) -> ComposeResult:
        """Header, page, footer."""
        yield self.header
        yield self.body
        yield self.footer

    def on_mount(self) -> None:
        """Begin to read."""
        self.body.focus()
        self.frame()
        self.reader.start()
        self.set_interval(1.0, self.frame)

    def on_unmount(self) -> None:
        """Read no more; nobody waits for what is on its way."""
        self.reader.end()

    def _read(self, ask: Ask) -> Picture | Failed:
        return read_picture(ask, self.fleets, VIEWS)

    def _deliver(self, found: Picture | Failed) -> None:
        self.post_message(Read(found))

    def _ask(self) -> Ask:
        return Ask(self._fleet, self.path.here, self.body.room, self.size.width, self.unmasked)

    def look(self) -> None:
        """Have what is to be seen now read at once, where that is something else."""
        if self._ask() != self._asked:
            self._asked = self._ask()
            self.reader.ask(self._asked)
        self.frame()

    def on_read(self, event: Read) -> None:
        """Show what was read, unless somebody looks elsewhere by now."""
        found = event.found
        self.reads += 1
        if isinstance(found, Failed):
            self._weather.bad(found.problem, found.away)
        elif (found.ask.fleet, found.ask.place) == (self._fleet, self.path.here):
            self._weather.good(steady())
            self._show(found)
        self.frame()

    def _show(self, found: Picture) -> None:
        if self.frozen and self.picture is not None and self.picture.ask.place == found.ask.place:
            return
        before, self.picture = self.picture, found
        anew = before is None or (before.ask.place, before.ask.fleet) != (
            *(found.ask.place, found.ask.fleet),
        )
        self.body.show(Page(empty=found.problem) if found.problem else found.page, anew=anew)
        self.look()  # a head that is higher leaves less room

    def frame(self) -> None:
        """Draw what stands above and below the page."""
        if self.is_running:
            self.header.renew()
            self.footer.renew()

    def _header_lines(self) -> Sequence[Line]:
        return header_lines(
            self.fleet, self.path, self.picture, self.size.width, time.time(), self.frozen
        )

    def _footer_lines(self) -> Sequence[Line]:
        return footer_lines(self.weather, self.message, self.below())

    @property
    def weather(self) -> str:
        """What is to be said of Redis; "" while all is well."""
        return self._weather.told(steady())

    def below(self) -> Sequence[Line]:
        """Return what stands above the keys."""
        return ()

    def on_resize(self, _: Resize) -> None:
        """Use the room that there is."""
        self.call_after_refresh(self.look)

    def go(self, place: Place) -> None:
        """Look at a view from above."""
        self.path.begin(place)
        self.arrive()

    def enter(self, place: Place) -> None:
        """Look at what lies behind something."""
        self.path.enter(place)
        self.arrive()

    def arrive(self) -> None:
        """Look at where the path leads now."""
        self.body.forget()
        self.message = ""
        if self.path.here.view == "help":
            self.body.show(help_page(), anew=True)  # also while Redis is away
        else:
            self.body.show(Page(empty="reading ..."), anew=True)  # no rows of another place
        self.look()

    def switch(self, fleet: int) -> None:
        """Look at another fleet."""
        self._fleet = fleet
        self._weather.good(steady())
        self.arrive()
