"""The data API: look at queues, sets and numbers, and handle jobs one by one or all together."""

from __future__ import annotations

from .connection import Connection, connection
from .job_record import JobRecord
from .job_set import DeadSet, RetrySet, ScheduledSet
from .queue import Queue, QueuedJob
from .sorted_entry import SortedEntry
from .stats import History, Stats

__all__ = [
    "Connection",
    "DeadSet",
    "History",
    "JobRecord",
    "Queue",
    "QueuedJob",
    "RetrySet",
    "ScheduledSet",
    "SortedEntry",
    "Stats",
    "connection",
]
