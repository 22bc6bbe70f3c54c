"""Queues: how long, how late, where they are heading, who takes them; one queue with its jobs."""

from __future__ import annotations

from ...api import Filter, JobRecord, Queue, QueuedJob, QueueSummary, Trend
from ...clock import steady
from ...wording import counted, duration, number, rate
from ..looking import Look
from ..picture import Cell, Column, Page, Place, Row, Style
from .rows import key_of

_COLUMNS = (
    Column("queue", least=12, wide=True),
    Column("jobs", right=True),
    Column("oldest", right=True),
    Column("come", right=True, spare=2),
    Column("leave", right=True, spare=3),
    Column("takers", right=True),
    Column("state", least=8),
)
_JOBS = (
    Column("class", least=12, tail=True),
    Column("waited", right=True),
    Column("band", spare=3),
    Column("jid", spare=1),
    Column("arguments", least=20, wide=True),
)
_WITHIN = 0.3  # seconds that a page may look through a queue
_DEEPEST = 1000  # jobs that a page may begin behind: Redis walks them


def queues(look: Look) -> Page:
    """Show all queues, the longest first."""
    fits = look.names("queue")
    rows = [_row(look, each) for each in look.moment.queues if fits(each.name)]
    return Page(_COLUMNS, rows, empty="no queue has got a job yet" if not rows else "")


def _row(look: Look, queue: QueueSummary) -> Row:
    trend, takers = look.moment.trends.get(queue.name), look.moment.takers.get(queue.name, 0)
    state, style = _state(queue, trend, takers)
    known = trend if trend is not None and trend.span else None
    cells = [
        Cell(queue.name or '""', "bold"),
        Cell(number(queue.size)),
        Cell(duration(queue.latency) if queue.size else ""),
        Cell(rate(known.arrival_rate) if known else "", "dim"),
        Cell(rate(known.leaving_rate) if known else "", "dim"),
        Cell(number(takers), "bad" if queue.size and not takers else ""),
        Cell(state, style),
    ]
    return Row(queue.name, cells, "queue", queue, to=Place("queue", queue.name))


def _state(queue: QueueSummary, trend: Trend | None, takers: int) -> tuple[str, Style]:
    if queue.paused:
        return "paused", "warn"
    if queue.size and not takers:
        return "nobody takes it", "bad"
    if trend is None or not queue.size:
        return "", ""
    if trend.direction == "growing":
        return "grows", "warn"
    left = trend.seconds_to_drain
    return (f"empty in {duration(left)}", "dim") if left is not None else ("", "")


def queue(look: Look) -> Page:
    """Show the jobs of a queue, the next first."""
    wanted, name = look.wanted(), look.subject
    summary = next((each for each in look.moment.queues if each.name == name), None)
    if summary is None:
        return Page(_JOBS, empty="the queue is empty, or never was")
    start = int(look.ask.place.begin or 0)
    key = f"{look.ask.place} {look.ask.rows}"
    found, looked = look.fleet.look(key, lambda: _found(look, wanted, name, start))
    rows = [_job(look, job) for job in found[: look.ask.rows]]
    size = counted(summary.size, "job")
    note, behind = "", None
    if len(found) > look.ask.rows:
        note = f"from {number(start + 1)} on, of {size}"
        if start + len(rows) <= _DEEPEST:
            behind, note = str(start + len(rows)), f"{note}; l shows the next"
    elif looked < summary.size:
        note = f"looked at the first {number(looked)} of {size}"
    empty = "no job like that" if wanted or start else "no job waits"
    return Page(_JOBS, rows, note=note, behind=behind, empty=empty)


def _found(look: Look, wanted: Filter, name: str, start: int) -> tuple[list[QueuedJob], int]:
    """Return what is meant of a queue behind *start* others, one more than there is room for.

    And how many jobs were looked at.
    """
    found: list[QueuedJob] = []
    looked = met = 0
    until = steady() + _WITHIN
    for job in next(each for each in Queue.all(look.fleet.home) if each.name == name):
        looked += 1
        if not wanted or wanted.takes(job, look.moment.at):
            met += 1
            if met > start:
                found.append(job)
        if len(found) > look.ask.rows or steady() > until:
            break
    return found, looked


def _job(look: Look, job: QueuedJob) -> Row:
    cells = [
        Cell(job.display_class, "bold" if job.problem is None else "bad"),
        Cell(_waited(job, look.moment.at)),
        Cell(job.band if job.band != "normal" else ""),
        Cell(job.jid, "dim"),
        Cell(look.call_text(job)),
    ]
    return Row(
        key_of(job), cells, "queued", job, job.jid, Place("job", job.jid) if job.jid else None
    )


def _waited(job: JobRecord, now: float) -> str:
    since = job.enqueued_at or job.created_at
    return "" if since is None else duration(max(0.0, now - since))
