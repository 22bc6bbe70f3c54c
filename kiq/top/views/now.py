"""Now: what needs somebody, the last minutes, the longest queues, the slowest classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...api import JobMetrics, Metrics
from ...doctor import LEVELS, Finding, examine
from ...errors import StoreError, StoreUnavailable
from ...wording import counted, duration, number, rate
from ..looking import Look
from ..picture import Cell, Column, Line, Page, Place, Row, Style, line
from ..sparks import bar, spark
from ..wrapping import parts_of

_KEEP = 10.0  # seconds: the doctor asks some fifty times
_QUEUES, _CLASSES = 3, 3
_NAME = 20  # columns
_LEVEL = 11  # columns of margin and level
_LEVELS: Mapping[str, tuple[str, Style]] = {
    "danger": ("DANGER", "bad"),
    "warning": ("warning", "warn"),
    "note": ("note", "dim"),
}
#: Check -> the view that shows what it is about.
_LEADS = {
    **dict.fromkeys(("growing", "late", "paused", "queues", "quiet-queue"), "queues"),
    **dict.fromkeys(("untaken-queue",), "queues"),
    **dict.fromkeys(("died", "processes", "silent", "versions", "worker-clocks"), "processes"),
    **dict.fromkeys(("failing", "retry"), "failures"),
    "overdue": "scheduled",
    "dead": "dead",
}
_COLUMNS = (Column("level"), Column("what needs somebody", least=20, wide=True))


def now(look: Look) -> Page:
    """Show the findings of the doctor, the worst first, below the numbers of the last minutes."""
    found = look.fleet.look("attention", lambda: _findings(look), keep=_KEEP)
    fits = look.names("class")
    urgent = [each for each in found if each.level != "note"]
    shown = [each for each in found if fits(f"{each.check} {each.what}")]
    head = [*_course(look), *_queues(look), *_slowest(look), ()]
    if not urgent:
        head.append(line("  ", Cell("Nothing is wrong that anybody knows of.", "good")))
    return Page(_COLUMNS, [row for each in shown for row in _rows(each, look.ask.columns)], head)


def _findings(look: Look) -> Sequence[Finding]:
    # A look only reads, and this user may be allowed no more.
    found = examine(look.fleet.home, look.fleet.config, only_look=True)
    ranked = sorted(found, key=lambda each: -LEVELS.index(each.level))
    return [each for each in ranked if each.level != "ok"]


def _rows(finding: Finding, columns: int) -> Iterator[Row]:
    word, style = _LEVELS[finding.level]
    key = f"{finding.check} {finding.where}"
    to = _LEADS.get(finding.check)
    place = Place(to) if to else None
    room = columns - _LEVEL
    for at, part in enumerate(parts_of(finding.what, room)):
        yield Row(f"{key} {at}", [Cell(word if at == 0 else "", style), Cell(part)], to=place)
    for at, part in enumerate(parts_of(finding.do, room - 2) if finding.do else []):
        told = f"→ {part}" if at == 0 else f"  {part}"
        yield Row(f"{key} do {at}", [Cell(""), Cell(told, "dim")], to=place)


def _course(look: Look) -> Iterator[Line]:
    course = look.moment.course
    if not course:
        yield line("  ", Cell("No worker has counted yet: trends come within a minute.", "dim"))
        return
    for at, (word, style) in enumerate((("done", "good"), ("failed", "warn"))):
        values = [each[at] for each in course]
        told: Style = style if values[-1] else "dim"  # type: ignore[assignment]
        yield line(f"  {word:<8}", Cell(f"{rate(values[-1]):>9}", told), f"  {spark(values)}")


def _queues(look: Look) -> Iterator[Line]:
    queues = [each for each in look.moment.queues if each.size]
    most = max((each.size for each in queues), default=1)
    for at, each in enumerate(queues[:_QUEUES]):
        waits = f"  {duration(each.latency)} late" if each.latency >= 1 else ""
        name = Cell(f"{each.name[:_NAME]:<{_NAME}}", "warn" if each.paused else "")
        paused = Cell("  paused", "warn") if each.paused else Cell("")
        word = "queues" if at == 0 else ""
        size = f"{number(each.size):>9}  {bar(each.size / most)}{waits}"
        yield line(f"  {word:<8}", Cell(size), "  ", name, paused)


def _slowest(look: Look) -> Iterator[Line]:
    found = look.fleet.look("slowest", lambda: _metrics(look), keep=_KEEP)
    for at, job in enumerate(found):
        word = "slowest" if at == 0 else ""
        ran = f"{duration(job.average_run_time):>9}  {counted(job.processed, 'run')} in 10 min"
        yield line(f"  {word:<8}{ran}  ", Cell(job.name))


def _metrics(look: Look) -> Sequence[JobMetrics]:
    try:
        jobs = list(Metrics(look.fleet.home).top_jobs(minutes=10).jobs.values())
    except StoreUnavailable:
        raise
    except StoreError:
        return []  # not allowed here
    jobs.sort(key=lambda job: -job.average_run_time)
    return jobs[:_CLASSES]
