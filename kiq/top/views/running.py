"""Running: the jobs that run at this moment, those that run for the longest time first."""

from __future__ import annotations

from ...api import Work, WorkSet
from ...wording import counted, duration
from ..looking import Look
from ..picture import Cell, Column, Page, Place, Row

_MOST = 500  # jobs of the view
_COLUMNS = (
    Column("class", least=12, tail=True),
    Column("runs for", right=True),
    Column("queue", least=8, spare=2),
    Column("process", least=10, spare=1),
    Column("thread", least=6, spare=3),
    Column("jid", spare=4),
    Column("arguments", least=24, wide=True),
)


def running(look: Look) -> Page:
    """Show what runs."""
    wanted, works = look.wanted(), list(WorkSet(look.fleet.home))
    meant = [each for each in works if not wanted or wanted.takes(each.job, look.moment.at)]
    rows = [_row(look, each) for each in meant[:_MOST]]
    note = f"and {counted(len(meant) - _MOST, 'job')} more" if len(meant) > _MOST else ""
    return Page(
        _COLUMNS, rows, note=note, empty="nothing runs" if not works else "no job like that"
    )


def _row(look: Look, work: Work) -> Row:
    elapsed = max(0.0, look.moment.at - work.run_at)
    cells = [
        Cell(work.job.display_class, "bold"),
        Cell(duration(elapsed) if work.thread else "just begun"),
        Cell(work.queue),
        Cell(work.process),
        Cell(work.thread, "dim"),
        Cell(work.jid, "dim"),
        Cell(look.call_text(work.job)),
    ]
    key = f"{work.process} {work.jid}"
    return Row(key, cells, "work", work, work.jid, Place("job", work.jid) if work.jid else None)
