"""Processes: which there are, how they are, what they have; one of them in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...api import Process, ProcessSet
from ...wording import counted, duration, megabytes, moment
from ..looking import Look
from ..picture import Cell, Column, Line, Page, Place, Row, Style, line, text_page

_COLUMNS = (
    Column("process", least=20, wide=True),
    Column("tag", least=6, spare=4),
    Column("queues", least=10, spare=2),
    Column("busy", right=True),
    Column("state"),
    Column("memory", right=True, spare=1),
    Column("rtt", right=True, spare=5),
    Column("up", right=True),
    Column("beat", right=True, spare=3),
)
_STATES: Mapping[str, Style] = {"running": "good", "quiet": "warn", "leaving": "warn"}


def processes(look: Look) -> Page:
    """Show all of them, the dead of the last minute too."""
    fits = look.names("queue")
    found = sorted(look.moment.processes, key=lambda each: (each.hostname, each.parent, each.pid))
    rows = [_row(look, each) for each in found if fits(f"{each.identity} {each.tag}")]
    return Page(_COLUMNS, rows, empty="no worker process runs" if not found else "none like that")


def _row(look: Look, process: Process) -> Row:
    state, style = _state(process)
    cells = [
        Cell(process.identity, "bold"),
        Cell(process.tag),
        Cell(", ".join(process.queues)),
        Cell(f"{process.busy}/{process.concurrency}"),
        Cell(state, style),
        Cell(megabytes(process.rss) if process.rss else ""),
        Cell(f"{process.rtt_us / 1000:.1f} ms" if process.rtt_us else "", "dim"),
        Cell(duration(max(0.0, look.moment.at - process.started_at)) if process.started_at else ""),
        Cell(moment(process.beat, look.moment.at) if process.beat else "", "dim"),
    ]
    to = Place("process", process.identity)
    return Row(process.identity, cells, "process", process, to=to)


def _state(process: Process) -> tuple[str, Style]:
    state = process.state if process.is_kiq else f"{process.state}, Ruby"
    told = [{"TSTP": "quiet", "TERM": "stop"}.get(each, "") for each in process.told]
    waiting = next(filter(None, told), "")
    return f"{state}, told: {waiting}" if waiting else state, _STATES.get(process.state, "bad")


def process(look: Look) -> Page:
    """Show one in full."""
    found = ProcessSet(look.fleet.home).look(look.subject)
    if found is None:
        return Page(empty="it is gone: it shows itself no more")
    return text_page(list(_lines(look, found)), "process", found)


def _lines(look: Look, process: Process) -> Iterator[Line]:
    state, style = _state(process)
    now = look.moment.at
    yield line(Cell(process.identity, "bold"), "  ", Cell(state, style))
    yield ()
    facts = (
        ("host, pid", f"{process.hostname}  {process.pid}"),
        ("parent", str(process.parent or "none")),
        ("version", process.version),
        ("tag, labels", " ".join([process.tag, *process.labels]).strip()),
        ("started", moment(process.started_at, now) if process.started_at else "?"),
        ("last beat", moment(process.beat, now) if process.beat else "?"),
        ("memory", megabytes(process.rss) if process.rss else "?"),
        ("round trip", f"{process.rtt_us} us"),
        ("runs", f"{counted(process.busy, 'job')}, {counted(process.concurrency, 'thread')}"),
        ("in hand", counted(process.in_hand, "job")),
        ("not heard yet", ", ".join(process.told) or "nothing"),
    )
    for name, told in facts:
        yield line(Cell(f"{name:<14}", "dim"), told)
    for at, (name, capsule) in enumerate(process.capsules.items()):
        weights = process.weights[at] if at < len(process.weights) else {}
        queues = ", ".join(f"{queue} {weight or ''}".strip() for queue, weight in weights.items())
        told = f"{name}: {capsule.get('concurrency')}  {queues}"
        yield line(Cell(f"{'capsule':<14}", "dim"), told)
