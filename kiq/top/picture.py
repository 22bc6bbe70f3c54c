"""What is shown: cells, rows, pages, as values that one thread makes and another draws. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Style = Literal["", "dim", "bold", "good", "warn", "bad", "here"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text, as it came: whoever draws it makes it visible."""

    text: str
    style: Style = ""


#: Cells beside each other, with nothing between them.
Line = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. *least* is how narrow it may become (0: it is never cut).

    *spare*: where there is no room the columns with the highest go first; 0 always stays. *tail*: its
    cells lose their beginning, not their end. *wide*: it takes what room is left.
    """

    title: str
    right: bool = False
    least: int = 0
    spare: int = 0
    tail: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row. *key* names what it shows: the cursor stays on that, wherever the row moves.

    *subject* is what is acted on, *kind* says what sort of thing that is; *jid* the job that it shows, if
    it shows one. *to* is where Enter leads.
    """

    key: str
    cells: Sequence[Cell]
    kind: str = ""
    subject: Any = None
    jid: str = ""
    to: Place | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What a view has read. *head* are lines above the table, *note* is said below it.

    *behind* is where the next page of a large set begins. *empty* is said where there is no row.
    """

    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    head: Sequence[Line] = ()
    note: str = ""
    behind: str | None = None
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What somebody looks at: a view by its name, of a *subject* (a queue, a job), through a filter.

    *begin* is where its page begins.
    """

    view: str
    subject: str = ""
    wanted: str = ""
    begin: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the next picture is to be of: *rows* and *columns* are what there is room for."""

    fleet: int
    place: Place
    rows: int = 20
    columns: int = 80
    unmasked: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers above every view."""

    at: float
    processed: int
    failed: int
    busy: int
    threads: int
    processes: int
    enqueued: int
    retries: int
    scheduled: int
    dead: int


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is shown of a moment. *problem* says why the view itself could not be read."""

    ask: Ask
    figures: Figures
    page: Page
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """That there is no picture: Redis was *away*, or refused."""

    ask: Ask
    problem: str
    away: bool = field(default=True)


def line(*parts: str | Cell) -> Line:
    """Return a line of texts and cells."""
    return [part if isinstance(part, Cell) else Cell(part) for part in parts]


def text_page(lines: Sequence[Line], kind: str = "", subject: Any = None, jid: str = "") -> Page:
    """Return a page of text: a row is a line; all of them are of one *subject*."""
    return Page(rows=[Row(str(at), each, kind, subject, jid) for at, each in enumerate(lines)])
