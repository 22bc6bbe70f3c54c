"""kiq.api."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_type

from kiq.api import (
    BUCKETS,
    Acted,
    DeadSet,
    Deploy,
    IterationState,
    JobMetrics,
    JobRecord,
    Metrics,
    Process,
    ProcessSet,
    Profile,
    ProfileSet,
    Queue,
    QueuedJob,
    RetrySet,
    ScheduledSet,
    SortedEntry,
    Stats,
    Work,
    WorkSet,
    mark,
)


def show(done: int, total: int) -> None:
    print(f"{done} of {total}")


stats = Stats()
assert_type(stats.processed, int)
assert_type(stats.queues(), dict[str, int])

for queue in Queue.all():
    assert_type(queue, Queue)
    assert_type(queue.size, int)
    assert_type(queue.latency, float)
    assert_type(queue.paused, bool)

for job in Queue("mailers"):
    assert_type(job, QueuedJob)
    assert_type(job.jid, str)
    record: JobRecord = job
    assert_type(job.delete(), bool)

retries = RetrySet("redis://localhost:6379/0")
for entry in retries.select(text="ConnectionError"):
    assert_type(entry, SortedEntry)
    entry.reschedule(datetime.now(UTC))
    entry.retry()
    entry.kill()

assert_type(DeadSet().find("5d1c7a52e6ad1ab1f5a1a0d8"), SortedEntry | None)
assert_type(retries.retry_all(older_than=timedelta(days=1), progress=show), Acted)
assert_type(ScheduledSet().clear(), Acted)

for process in ProcessSet():
    assert_type(process, Process)
    process.quiet()
assert_type(ProcessSet().get("app-1:4711:0123456789ab"), Process | None)
for work in WorkSet():
    assert_type(work, Work)
    assert_type(work.job, JobRecord)

# What features read: imported at the first use, and typed all the same.
assert_type(BUCKETS[0], int)
assert_type(mark("v2"), bool)
assert_type(Deploy().mark(), bool)
assert_type(Metrics().top_jobs(minutes=5).jobs, dict[str, JobMetrics])
assert_type(list(ProfileSet()), list[Profile])
assert_type(IterationState.find("a1"), IterationState | None)
