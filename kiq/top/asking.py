"""What is offered and asked below the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..wording import counted, number
from .deeds import Deed, acts_of
from .deeds.deed import command
from .doing import Course
from .picture import Cell, Line, Place, Row, line

#: View -> the command that shows the same.
_SHOWN_BY = {
    "now": ("doctor",),
    "queues": ("queues",),
    "running": ("ps", "--jobs"),
    "failures": ("failures",),
    "retries": ("retries",),
    "scheduled": ("scheduled",),
    "dead": ("dead",),
    "periodic": ("periodic",),
    "processes": ("ps",),
    "process": ("ps",),
    "undo": ("undo",),
}


def offers(row: Row | None, marked: int, everything: bool, read_only: bool) -> Line:
    """Return the line of keys that act on the row, on what is marked, or on all."""
    if read_only or row is None or not acts_of(row.kind):
        return line(Cell("read only" if read_only else "", "dim"))
    meant = "" if not marked else f"{counted(marked, 'row')} marked: "
    if everything:
        meant = "all that the filter means: "
    cells = [Cell(meant, "warn")]
    for act in acts_of(row.kind):
        cells += [Cell(act.key, "bold"), Cell(f" {act.word}  ")]
    return [*cells, Cell("x mark  A all  y copy", "dim"), Cell("  w why" if row.jid else "", "dim")]


def asked_lines(deed: Deed) -> Sequence[Line]:
    """Return a question, with what there is to know before it is answered."""
    lines: list[Line] = [line(Cell(deed.question, "warn"), "  ", Cell(_answers(deed), "bold"))]
    lines += [line(Cell(f"  {each}")) for each in deed.details]
    lines += [line(Cell(f"  $ {each}", "dim")) for each in deed.commands[:3]]
    return lines


def _answers(deed: Deed) -> str:
    yes = f"type {deed.typed}" if deed.typed else "y yes"
    return f"{yes}  n no" + ("  c copy the command" if deed.commands and not deed.typed else "")


def course_line(course: Course) -> Line:
    """Return how far a deed is."""
    if not course.total:
        return line(Cell(f"{course.what} ...", "warn"))
    far = f"{number(course.handled)} done, {number(course.looked_at)} of {number(course.total)}"
    return line(Cell(f"{course.what}: {far}", "warn"), Cell("  S stops it", "dim"))


def shown_by(place: Place, row: Row | None) -> str:
    """Return the command that shows what a row shows, or what its view does."""
    if row is not None and row.jid:
        return command("why" if place.view == "why" else "show", row.jid)
    if row is not None and row.kind == "queue":
        return command("queues", row.key)
    if row is not None and row.kind == "periodic":
        return command("periodic", "show", row.subject.name)
    words = _SHOWN_BY.get(place.view)
    if words is None:
        return ""
    filtered = place.wanted and place.view in ("retries", "scheduled", "dead", "failures")
    return command(*words, *(("--filter", place.wanted) if filtered else ()))
