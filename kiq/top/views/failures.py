"""Failures: what waits for a retry and what is dead, in groups of one class, one error, one message."""

from __future__ import annotations

from ...api import FailureGroup, failure_groups
from ...wording import counted, moment, number
from ..looking import Look
from ..picture import Cell, Column, Page, Place, Row
from ..sparks import spark

_KEEP = 5.0  # seconds of the sample
_SHOWN = 200  # groups
_COLUMNS = (
    Column("jobs", right=True),
    Column("retries", right=True, spare=3),
    Column("dead", right=True, spare=4),
    Column("class", least=12, tail=True),
    Column("error", least=28, wide=True),
    Column("last", right=True),
    Column("first", right=True, spare=1),
    Column("24 h", spare=2),
)


def failures(look: Look) -> Page:
    """Show the groups, the largest first; of large sets they are of a sample, and the note says so."""
    home, wanted = look.fleet.home, look.wanted()
    found = look.fleet.look(
        f"groups {look.ask.place.wanted}", lambda: failure_groups(home, wanted), keep=_KEEP
    )
    rows = [_row(look, each, found.exact) for each in found.groups[:_SHOWN]]
    note = ""
    if not found.exact:
        looked, total = number(found.looked_at), counted(found.total, "job")
        note = f"estimated from {looked} of {total}; `kiq failures --exact` counts all"
    elif len(found.groups) > _SHOWN:
        note = f"and {counted(len(found.groups) - _SHOWN, 'group')} more"
    empty = "no failure like that" if wanted else "nothing waits for a retry, and nothing is dead"
    return Page(_COLUMNS, rows, note=note, empty=empty)


def _row(look: Look, group: FailureGroup, exact: bool) -> Row:
    about, now = "" if exact else "~", look.moment.at
    error = f"{group.error_class}: {group.general}" if group.general else group.error_class
    cells = [
        Cell(about + number(group.count), "bold"),
        Cell(about + number(group.retries)),
        Cell(about + number(group.dead), "bad" if group.dead else ""),
        Cell(group.class_name, "bold"),
        Cell(error),
        Cell(moment(group.last, now)),
        Cell(moment(group.first, now), "dim"),
        Cell(spark(group.course, 24), "dim"),
    ]
    to = Place("retries" if group.retries else "dead", wanted=f"group:{group.key}")
    return Row(group.key, cells, "group", group, to=to)
