"""What was done within the last ten minutes, and can be undone."""

from __future__ import annotations

from ...api import Undoable, undoable_acts
from ...wording import duration, moment, number
from ..looking import Look
from ..picture import Cell, Column, Page, Row

_COLUMNS = (
    Column("when", right=True),
    Column("who", least=8),
    Column("what", least=20, wide=True),
    Column("jobs", right=True),
    Column("for", right=True),
    Column("act", spare=1),
)


def acts(look: Look) -> Page:
    """Show them, the newest first."""
    found = undoable_acts(look.fleet.home)
    empty = "nothing was done in the last ten minutes that can be undone"
    return Page(_COLUMNS, [_row(look, each) for each in found], empty=empty)


def _row(look: Look, act: Undoable) -> Row:
    cells = [
        Cell(moment(act.at, look.moment.at)),
        Cell(act.by),
        Cell(act.what, "bold"),
        Cell(number(act.jobs)),
        Cell(duration(act.left)),
        Cell(act.id, "dim"),
    ]
    return Row(act.id, cells, "act", act)
