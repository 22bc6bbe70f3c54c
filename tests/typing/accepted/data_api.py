"""kiq.api."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_type

from kiq.api import (
    DeadSet,
    JobRecord,
    Queue,
    QueuedJob,
    RetrySet,
    ScheduledSet,
    SortedEntry,
    Stats,
)

stats = Stats()
assert_type(stats.processed, int)
assert_type(stats.queues(), dict[str, int])

for queue in Queue.all():
    assert_type(queue, Queue)
    assert_type(queue.size, int)
    assert_type(queue.latency, float)

for job in Queue("mailers"):
    assert_type(job, QueuedJob)
    assert_type(job.jid, str)
    record: JobRecord = job
    assert_type(job.delete(), bool)

retries = RetrySet("redis://localhost:6379/0")
for entry in retries.scan("ConnectionError"):
    assert_type(entry, SortedEntry)
    entry.reschedule(datetime.now(UTC))
    entry.retry()
    entry.kill()

assert_type(DeadSet().find("5d1c7a52e6ad1ab1f5a1a0d8"), SortedEntry | None)
assert_type(retries.retry_all(lambda done: print(done)), int)
assert_type(ScheduledSet().clear(), int)
