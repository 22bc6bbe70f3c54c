"""Periodic jobs: what runs when, and what became of it; one of them in full."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ...api import PeriodicJob, PeriodicSet, Tick
from ...wording import duration, moment
from ..looking import Look
from ..picture import Cell, Column, Line, Page, Place, Row, Style, line, text_page

_MOST = 100  # entries whose last run is asked for: a round trip each
_KEEP = 2.0  # seconds
_COLUMNS = (
    Column("name", least=12, wide=True),
    Column("rule", least=10),
    Column("next", right=True),
    Column("last", least=12),
    Column("class", least=12, tail=True, spare=1),
    Column("state"),
)


def periodic(look: Look) -> Page:
    """Show all entries."""
    found = look.fleet.look("periodic", lambda: _entries(look), keep=_KEEP)
    fits = look.names("class")
    rows = [_row(look, job, last) for job, last in found if fits(job.name)]
    return Page(_COLUMNS, rows, empty="there is no periodic job" if not found else "none like that")


def _entries(look: Look) -> list[tuple[PeriodicJob, Tick | None]]:
    jobs = list(PeriodicSet(look.fleet.home))
    lasts = [next(iter(job.history(1)), None) for job in jobs[:_MOST]]
    return [(job, lasts[at] if at < len(lasts) else None) for at, job in enumerate(jobs)]


def _row(look: Look, job: PeriodicJob, last: Tick | None) -> Row:
    state, style = _state(job)
    cells = [
        Cell(job.name, "bold"),
        Cell(_rule(job)),
        Cell(_next(job, look.moment.at)),
        Cell(_last(last, look.moment.at), "bad" if last and last.outcome == "dead" else ""),
        Cell(str(job.definition.payload.get("class")) if job.definition else "?"),
        Cell(state, style),
    ]
    return Row(job.name, cells, "periodic", job, to=Place("entry", job.name))


def _last(tick: Tick | None, now: float) -> str:
    return "" if tick is None else f"{tick.outcome or tick.what} {moment(tick.decided_at, now)}"


def _rule(job: PeriodicJob) -> str:
    if job.definition is None:
        return "?"
    rule = job.definition.rule
    text = rule.cron or f"every {duration(rule.every)}"
    return text if rule.timezone == "UTC" or not rule.cron else f"{text} {rule.timezone}"


def _next(job: PeriodicJob, now: float) -> str:
    if job.next_at is None or job.paused:
        return "-"
    return moment(job.next_at, now) if job.next_at > now else "now"


def _state(job: PeriodicJob) -> tuple[str, Style]:
    if job.problem:
        return "unreadable", "bad"
    if job.paused:
        return "paused", "warn"
    return ("", "") if job.definition and job.definition.enabled else ("not enabled", "dim")


def entry(look: Look) -> Page:
    """Show one entry in full."""
    job = PeriodicSet(look.fleet.home).get(look.subject)
    if job is None:
        return Page(empty="there is no such periodic job")
    return text_page(list(_lines(look, job)), "periodic", job)


def _lines(look: Look, job: PeriodicJob) -> Iterator[Line]:
    state, style = _state(job)
    now = look.moment.at
    yield line(Cell(job.name, "bold"), f"  {_rule(job)}  ", Cell(state, style))
    if job.problem:
        yield line(Cell(job.problem, "bad"))
    if job.paused:
        yield line(f"paused {moment(job.paused_at, now)} by {job.paused_by or '?'}")
    if job.definition is not None:
        yield line(Cell("class   ", "dim"), str(job.definition.payload.get("class")))
        yield line(Cell("from    ", "dim"), f"{job.definition.origin} {job.definition.app}")
        yield line(Cell("        ", "dim"), job.definition.description)
    yield line(Cell("Next", "bold"))
    for at in job.next(5, now):
        when = datetime.datetime.fromtimestamp(at, datetime.UTC)
        yield line(f"  {when:%Y-%m-%d %H:%M:%S} UTC  {moment(at, now)}")
    yield line(Cell("Last", "bold"))
    for tick in job.history(20):
        late = f"{duration(tick.lateness)} late"
        yield line(f"  {moment(tick.tick, now):<16} {tick.what} {tick.outcome}  {late}  {tick.jid}")
