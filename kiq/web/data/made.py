"""From what the data API returns to what the JSON API answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ...api import FailureGroup, JobRecord, Process, SortedEntry, Work, place_of
from ...wording import arguments
from ..calls import Call
from ..masking import masked
from ..views.queues import Line
from .shapes import GroupShape, JobShape, ProcessShape, QueueShape, RunningShape

_LONGEST = 64_000  # characters of all arguments: beyond that they are cut, as text


def job(call: Call, record: JobRecord) -> JobShape:
    """Return a job, with secrets hidden from who may not see them."""
    args, kwargs = record.args, record.kwargs
    if record.problem is not None:
        args, kwargs = [], {}
    elif not call.visitor.may("unmask"):
        args, kwargs = masked(args), masked(kwargs)
    if len(record.raw) > _LONGEST:
        args, kwargs = [arguments(args, kwargs, _LONGEST)], {}
    return JobShape(
        jid=record.jid,
        job_class=record.display_class,
        queue=record.queue,
        args=args,
        kwargs=kwargs,
        tags=record.tags,
        at=record.score if isinstance(record, SortedEntry) else None,
        place=place_of(record) if isinstance(record, SortedEntry) else None,
        created_at=record.created_at,
        enqueued_at=record.enqueued_at,
        failed_at=record.failed_at,
        retried_at=record.retried_at,
        failures=0 if record.retry_count is None else record.retry_count + 1,
        error_class=record.error_class,
        error_message=record.error_message,
        problem=record.problem,
    )


def jobs(call: Call, records: Sequence[JobRecord]) -> list[JobShape]:
    """Return jobs."""
    return [job(call, each) for each in records]


def queue(line: Line) -> QueueShape:
    """Return a queue."""
    trend = line.trend
    return QueueShape(
        name=line.summary.name,
        size=line.summary.size,
        latency=line.summary.latency,
        paused=line.summary.paused,
        takers=line.takers,
        state=line.state,
        arrival_rate=trend.arrival_rate if trend else None,
        leaving_rate=trend.leaving_rate if trend else None,
        seconds_to_drain=trend.seconds_to_drain if trend else None,
    )


def process(one: Process) -> ProcessShape:
    """Return a process."""
    return ProcessShape(
        identity=one.identity,
        hostname=one.hostname,
        pid=one.pid,
        parent=one.parent,
        tag=one.tag,
        version=one.version,
        state=one.state,
        concurrency=one.concurrency,
        busy=one.busy,
        queues=list(one.queues),
        started_at=one.started_at,
        beat=one.beat,
        rss_kb=one.rss,
        rtt_us=one.rtt_us,
    )


def running(call: Call, work: Work, now: float) -> RunningShape:
    """Return a job that runs."""
    return RunningShape(
        job=job(call, work.job),
        process=work.process,
        thread=work.thread,
        elapsed=max(0.0, now - work.run_at),
    )


def group(one: FailureGroup) -> GroupShape:
    """Return a group of failures."""
    known: dict[str, Any] = dataclasses.asdict(one)
    for name in ("class_name", "course", "jid", "general"):
        known.pop(name)
    made: GroupShape = {
        **known,  # type: ignore[typeddict-item]
        "filter": f"group:{one.key}",
        "job_class": one.class_name,
        "count": one.count,
        "hours": list(one.course),
    }
    return made
