"""What the JSON API answers to GET."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from typing import Any

from werkzeug.exceptions import BadRequest, NotFound

from ...api import (
    Filter,
    ProcessSet,
    Queue,
    WorkSet,
    act_of,
    count_failures,
    failure_groups,
    find,
    listing,
    parse_filter,
    plan,
    undoable_acts,
    why,
)
from ...errors import ConfigError
from ..activity import Activity
from ..answers import Data
from ..attention import attention_of
from ..bulk import course_of
from ..calls import Call
from ..moments import moment_of
from ..views.bulk import meant, sets_for
from ..views.queues import Line, lines_of
from ..views.sets import KINDS, jobs_of
from . import made, shapes

_MOST = 100  # jobs of a page
_RUNNING = 1000
_GROUPS = 500
_DEEPEST = 10_000  # jobs of a queue that a page may begin behind


def stats(call: Call) -> Data:
    """Return the numbers of the fleet."""
    moment = moment_of(call.fleet)
    found = moment.stats
    return Data(
        shapes.StatsShape(
            at=moment.at,
            processed=found.processed,
            failed=found.failed,
            enqueued=found.enqueued,
            busy=moment.busy,
            threads=moment.threads,
            scheduled=found.scheduled_size,
            retries=found.retry_size,
            dead=found.dead_size,
            processes=len(moment.processes),
        )
    )


def attention(call: Call) -> Data:
    """Return what needs somebody, the worst first."""
    found = attention_of(call.fleet)
    findings = [
        shapes.FindingShape(level=each.level, check=each.check, what=each.what, do=each.do or "")
        for each in (*found.urgent, *found.notes)
    ]
    return Data(shapes.AttentionShape(findings=findings, looked_at=found.looked_at))


def queues(call: Call) -> Data:
    """Return all queues, the longest first."""
    return Data(shapes.QueuesShape(queues=[made.queue(line) for line in _lines(call)]))


def queue(call: Call) -> Data:
    """Return a queue, and a page of its jobs, the next one first."""
    name = call.said("name")
    line = next((each for each in _lines(call) if each.summary.name == name), None)
    if line is None:
        raise NotFound("there is no such queue")
    start = call.number("start", 0, 0, _DEEPEST)
    limit = call.number("limit", 25, 1, _MOST)
    found = list(itertools.islice(iter(Queue(name, call.home)), start, start + limit + 1))
    more = len(found) > limit
    return Data(
        shapes.QueueJobsShape(
            queue=made.queue(line),
            jobs=made.jobs(call, found[:limit]),
            next=start + limit if more and start + limit <= _DEEPEST else None,
        )
    )


def processes(call: Call) -> Data:
    """Return the worker processes, and what they run."""
    moment = moment_of(call.fleet)
    works = call.fleet.look("works", lambda: list(WorkSet(call.home)))
    leader = call.fleet.look("leader", lambda: ProcessSet(call.home).leader or "")
    return Data(
        shapes.ProcessesShape(
            processes=[made.process(each) for each in moment.processes],
            running=[made.running(call, each, moment.at) for each in works[:_RUNNING]],
            leader=leader,
        )
    )


def jobs_in_set(call: Call) -> Data:
    """Return a page of a set: retries, scheduled or dead."""
    name = call.path["set"]
    jobs, wanted = jobs_of(call, name), _filter(call)
    try:
        found = listing(
            jobs,
            wanted,
            call.said("from"),
            newest_first=KINDS[name].newest_first,
            limit=call.number("limit", 25, 1, _MOST),
        )
    except ConfigError as error:
        raise BadRequest(str(error)) from error
    return Data(
        shapes.SetShape(
            set=name,
            size=jobs.size,
            jobs=made.jobs(call, found.entries),
            next=found.behind,
            looked_at=found.looked_at,
            complete=found.done,
        )
    )


def job(call: Call) -> Data:
    """Return where a job is, and why it does not run."""
    found = find(call.path["jid"], call.home)
    answer = why(found, call.home)
    shape = shapes.WhereShape(
        jid=found.jid,
        where=found.where,
        ended=found.ended,
        queue=found.queue,
        before=found.before,
        process=found.process,
        since=found.since,
        job=None if found.record is None else made.job(call, found.record),
        reasons=[
            shapes.ReasonShape(
                code=each.code,
                text=each.text,
                stops=each.stops,
                command=each.command or None,
                until=each.until,
            )
            for each in answer.reasons
        ],
        unknown=list(answer.unknown),
    )
    return Data(shape, 200 if found or found.known else 404)


def failures(call: Call) -> Data:
    """Return failures in groups: of a sample, or of all once they were counted."""
    fleet = call.fleet
    found = fleet.look("groups", functools.partial(failure_groups, fleet.home), keep=5.0)
    if not found.exact:
        counted = fleet.background_look("count", functools.partial(count_failures, fleet.home))
        found = counted if counted is not None and counted.exact else found
    return Data(
        shapes.FailuresShape(
            groups=[made.group(each) for each in found.groups[:_GROUPS]],
            looked_at=found.looked_at,
            total=found.total,
        )
    )


def planned(call: Call) -> Data:
    """Return what an act on many jobs would come to; nothing is changed."""
    name, deed, wanted = meant(call)
    at = moment_of(call.fleet).at
    plans = [plan(jobs_of(call, each), deed, wanted, at) for each in sets_for(name, deed)]
    return Data(
        shapes.PlanShape(
            set=name,
            deed=deed,
            q=wanted.text,
            at=at,
            count=sum(each.count for each in plans),
            exact=all(each.done or not wanted for each in plans),
            classes=dict(sum((Counter(each.classes) for each in plans), Counter[str]())),
            queues=dict(sum((Counter(each.queues) for each in plans), Counter[str]())),
            examples=made.jobs(call, [one for each in plans for one in each.examples][:5]),
        )
    )


def bulk(call: Call) -> Data:
    """Return how far an act on many jobs is."""
    course = course_of(call.home, call.said("id")[:64])
    if course is None:
        raise NotFound("nobody knows of this act any more: a day after its end it is forgotten")
    shape: dict[str, Any] = {
        name: getattr(course, "text" if name == "q" else name)
        for name in shapes.CourseShape.__annotations__
    }
    return Data(shape)


def activity(call: Call) -> Data:
    """Return who did what, the newest first."""
    entries = Activity(call.home).entries(call.number("limit", 100, 1, 1000))
    kept = {each.id for each in undoable_acts(call.home)}
    return Data(
        shapes.ActivityShape(
            entries=[
                shapes.EntryShape(
                    key=each.key,
                    at=each.at,
                    visitor=each.visitor,
                    action=each.action,
                    what=dict(each.what),
                    outcome=each.outcome,
                    undo=act_of(each.key) if act_of(each.key) in kept else None,
                )
                for each in entries
            ]
        )
    )


def _lines(call: Call) -> list[Line]:
    return lines_of(moment_of(call.fleet))


def _filter(call: Call) -> Filter:
    try:
        return parse_filter(call.said("q"))
    except ConfigError as error:
        raise BadRequest(str(error)) from error
