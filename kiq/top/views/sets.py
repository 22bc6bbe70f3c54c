"""The sorted sets: what waits for its next attempt, for its time, and what is dead; a page of them."""

from __future__ import annotations

from ...api import Listing, SortedEntry, listing, place_of
from ...wording import counted, moment, number
from ..looking import Look
from ..picture import Cell, Column, Page, Place, Row
from .rows import error_of

_WITHIN = 0.4  # seconds that a page may look
_RETRIES = (
    Column("due", right=True),
    Column("class", least=12, tail=True),
    Column("failed", right=True, spare=1),
    Column("queue", least=8, spare=2),
    Column("jid", spare=4),
    Column("error", least=26, wide=True),
    Column("arguments", least=16, spare=3),
)
_SCHEDULED = (
    Column("due", right=True),
    Column("class", least=12, tail=True),
    Column("queue", least=8, spare=1),
    Column("jid", spare=2),
    Column("arguments", least=20, wide=True),
)
_DEAD = (
    Column("died", right=True),
    *(each for each in _RETRIES if each.title != "due"),
)
_COLUMNS = {"retries": _RETRIES, "scheduled": _SCHEDULED, "dead": _DEAD}
_EMPTY = {
    "retries": "nothing waits for a retry",
    "scheduled": "nothing is scheduled",
    "dead": "nothing is dead",
}


def listed(look: Look) -> Page:
    """Show a page of a set: what is due next first, of the dead the newest."""
    name, wanted = look.ask.place.view, look.wanted()
    jobs = look.fleet.jobs(name)
    place, limit = look.ask.place, look.ask.rows

    def read() -> Listing:
        newest_first = name == "dead"
        return listing(
            jobs, wanted, place.begin, newest_first=newest_first, limit=limit, within=_WITHIN
        )

    found = look.fleet.look(f"{place} {limit}", read)
    rows = [_row(look, name, entry) for entry in found.entries]
    note = ""
    if not found.done:
        note = f"looked at {number(found.looked_at)} of {counted(jobs.size, 'job')}; l looks on"
    elif found.behind is not None:
        note = f"of {counted(jobs.size, 'job')}; l shows the next"
    empty = "no job like that" if wanted or look.ask.place.begin else _EMPTY[name]
    return Page(_COLUMNS[name], rows, note=note, behind=found.behind, empty=empty)


def _row(look: Look, name: str, entry: SortedEntry) -> Row:
    late = name == "scheduled" and entry.score < look.moment.at
    failed = "" if entry.retry_count is None else f"{entry.retry_count + 1}x"
    cells = {
        "due": Cell(moment(entry.score, look.moment.at), "warn" if late else ""),
        "died": Cell(moment(entry.score, look.moment.at)),
        "class": Cell(entry.display_class, "bold" if entry.problem is None else "bad"),
        "failed": Cell(failed),
        "queue": Cell(entry.queue or "?"),
        "jid": Cell(entry.jid, "dim"),
        "error": Cell(error_of(entry) or entry.problem or ""),
        "arguments": Cell(look.call_text(entry)),
    }
    shown = [cells[column.title] for column in _COLUMNS[name]]
    to = Place("job", entry.jid) if entry.jid else None
    return Row(place_of(entry), shown, name, entry, entry.jid, to)
