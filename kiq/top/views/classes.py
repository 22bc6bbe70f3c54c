"""Classes: how often jobs of each ran and failed in the last hour, how long they ran and waited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...api import BUCKETS, JobMetrics, Metrics
from ...wording import duration, number
from ..looking import Look
from ..picture import Cell, Column, Line, Page, Place, Row, line, text_page
from ..sparks import bar, spark

_KEEP = 5.0  # seconds
_MINUTES = 60
_COLUMNS = (
    Column("class", least=16, tail=True, wide=True),
    Column("runs", right=True),
    Column("failed", right=True),
    Column("average", right=True),
    Column("in all", right=True, spare=2),
    Column("waited", right=True),
    Column("p95 wait", right=True, spare=1),
    Column("1 h", spare=3),
)


def classes(look: Look) -> Page:
    """Show all of them, those that took the most time first."""
    jobs = look.fleet.look("classes", lambda: _metrics(look), keep=_KEEP)
    fits = look.names("class")
    rows = [_row(each) for each in jobs if fits(each.name)]
    return Page(
        _COLUMNS, rows, empty="nothing ran in the last hour" if not jobs else "none like that"
    )


def _metrics(look: Look) -> Sequence[JobMetrics]:
    return list(Metrics(look.fleet.home).top_jobs(minutes=_MINUTES).jobs.values())


def _row(job: JobMetrics) -> Row:
    p95 = job.queue_time_percentile(0.95)
    cells = [
        Cell(job.name, "bold"),
        Cell(number(job.processed)),
        Cell(number(job.failed), "bad" if job.failed else "dim"),
        Cell(duration(job.average_run_time)),
        Cell(duration(job.run_time), "dim"),
        Cell(duration(job.average_queue_time)),
        Cell("" if p95 is None else duration(p95)),
        Cell(spark(_course(job), 24), "dim"),
    ]
    return Row(job.name, cells, to=Place("class", job.name))


def _course(job: JobMetrics) -> Sequence[float]:
    return [float(each.processed) for _, each in sorted(job.series.items())]


def one_class(look: Look) -> Page:
    """Show one in full, with how long its runs took."""
    name = look.subject
    key = f"class {name}"
    found = look.fleet.look(
        key, lambda: Metrics(look.fleet.home).for_job(name, minutes=_MINUTES), keep=_KEEP
    )
    return text_page(list(_lines(found)))


def _lines(job: JobMetrics) -> Iterator[Line]:
    yield line(Cell(job.name, "bold"), "  in the last hour")
    yield ()
    ran = [job.run_time_percentile(share) for share in (0.5, 0.95, 0.99)]
    waited = [job.queue_time_percentile(share) for share in (0.5, 0.95, 0.99)]
    for word, average, shares in (
        ("ran", job.average_run_time, ran),
        ("waited", job.average_queue_time, waited),
    ):
        told = ["?" if each is None else duration(each) for each in shares]
        parts = f"average {duration(average)}, p50 {told[0]}, p95 {told[1]}, p99 {told[2]}"
        yield line(Cell(f"{word:<10}", "dim"), parts)
    yield line(
        Cell(f"{'runs':<10}", "dim"), f"{number(job.processed)}, {number(job.failed)} failed"
    )
    for at, label in sorted(job.marks.items()):
        yield line(Cell(f"{'deploy':<10}", "dim"), f"{at:%H:%M} UTC  {label}")
    yield ()
    counts = job.histogram
    most = max(counts, default=0)
    for bound, count in zip((*BUCKETS, float("inf")), counts, strict=False):
        if count:
            upto = "longer" if bound == float("inf") else f"to {duration(bound / 1000)}"
            yield line(f"{upto:>12}  {bar(count / most, 30)}  {number(count)}")
