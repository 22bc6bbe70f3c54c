"""What the JSON API answers, as types.

Views are checked against them, and the OpenAPI document is made of them. Times are epoch seconds,
durations seconds.
"""

from __future__ import annotations

from typing import Any, TypedDict


class JobShape(TypedDict):
    """A job. *place* names it in acts on its set; *at* is when it is due, or died."""

    jid: str
    job_class: str
    queue: str | None
    args: list[Any]
    kwargs: dict[str, Any]
    tags: list[str]
    at: float | None
    place: str | None
    created_at: float | None
    enqueued_at: float | None
    failed_at: float | None
    retried_at: float | None
    failures: int
    error_class: str | None
    error_message: str | None
    problem: str | None


class QueueShape(TypedDict):
    """A queue. *latency* is the age of its oldest job; *takers* how many processes take from it."""

    name: str
    size: int
    latency: float
    paused: bool
    takers: int
    state: str
    arrival_rate: float | None
    leaving_rate: float | None
    seconds_to_drain: float | None


class QueuesShape(TypedDict):
    """All queues, the longest first."""

    queues: list[QueueShape]


class QueueJobsShape(TypedDict):
    """A page of a queue's jobs, the next one first; *next* is the *start* of the page behind it."""

    queue: QueueShape
    jobs: list[JobShape]
    next: int | None


class ProcessShape(TypedDict):
    """A worker process."""

    identity: str
    hostname: str
    pid: int
    parent: int
    tag: str
    version: str
    state: str
    concurrency: int
    busy: int
    queues: list[str]
    started_at: float
    beat: float
    rss_kb: int
    rtt_us: int


class RunningShape(TypedDict):
    """A job that runs, where, and for how long."""

    job: JobShape
    process: str
    thread: str
    elapsed: float


class ProcessesShape(TypedDict):
    """The processes, and what they run."""

    processes: list[ProcessShape]
    running: list[RunningShape]
    leader: str


class StatsShape(TypedDict):
    """The numbers of a fleet."""

    at: float
    processed: int
    failed: int
    enqueued: int
    busy: int
    threads: int
    scheduled: int
    retries: int
    dead: int
    processes: int


class FindingShape(TypedDict):
    """Something that needs somebody, or is good to know, and what to do."""

    level: str
    check: str
    what: str
    do: str


class AttentionShape(TypedDict):
    """What the doctor found, the worst first."""

    findings: list[FindingShape]
    looked_at: int


class SetShape(TypedDict):
    """A page of a set. *next* is *from* of the page behind it; *complete*: all that was to look at was."""

    set: str
    size: int
    jobs: list[JobShape]
    next: str | None
    looked_at: int
    complete: bool


class GroupShape(TypedDict):
    """Failures of one kind; *filter* is what means them."""

    key: str
    filter: str
    job_class: str
    error_class: str
    message: str
    count: int
    retries: int
    dead: int
    first: float | None
    last: float | None
    next_at: float | None
    hours: list[int]


class FailuresShape(TypedDict):
    """Failures in groups; estimated where *looked_at* is less than *total*."""

    groups: list[GroupShape]
    looked_at: int
    total: int


class ReasonShape(TypedDict):
    """Why a job does not run, and the command that helps."""

    code: str
    text: str
    stops: bool
    command: str | None
    until: float | None


class WhereShape(TypedDict):
    """Where a job is, and why it does not run."""

    jid: str
    where: str
    ended: str
    queue: str | None
    before: int | None
    process: str
    since: float | None
    job: JobShape | None
    reasons: list[ReasonShape]
    unknown: list[str]


class PlanShape(TypedDict):
    """What an act would be done to, as it is *at* a time: pass that on to begin it."""

    set: str
    deed: str
    q: str
    at: float
    count: int
    exact: bool
    classes: dict[str, int]
    queues: dict[str, int]
    examples: list[JobShape]


class CourseShape(TypedDict):
    """How far an act on many jobs is."""

    state: str
    deed: str
    sets: list[str]
    q: str
    visitor: str
    looked_at: int
    total: int
    handled: int
    left: dict[str, int]
    problem: str
    began: float
    beat: float


class EntryShape(TypedDict):
    """Who did what. *undo* is the id to undo it by; null where nothing is kept of it."""

    key: str
    at: float
    visitor: str
    action: str
    what: dict[str, str]
    outcome: str
    undo: str | None


class ActivityShape(TypedDict):
    """What was done by the web UI and this API, the newest first."""

    entries: list[EntryShape]


class OutcomeShape(TypedDict):
    """What an act came to. *ok* is False where nothing, or not all, was done: *outcome* says why."""

    ok: bool
    outcome: str
    to: str
    query: dict[str, str]


class ErrorShape(TypedDict):
    """What went wrong, in words."""

    error: str
