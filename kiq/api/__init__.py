"""The data API: look at queues, sets, processes and numbers, and handle jobs one by one or together."""

from __future__ import annotations

from .connection import Connection, connection
from .iteration_state import IterationState
from .job_record import JobRecord
from .job_set import DeadSet, JobSet, RetrySet, ScheduledSet
from .process_set import Process, ProcessSet
from .queue import Queue, QueuedJob
from .sorted_entry import SortedEntry
from .stats import History, QueueSummary, Stats
from .work_set import Work, WorkSet

__all__ = [
    "Connection",
    "DeadSet",
    "History",
    "IterationState",
    "JobRecord",
    "JobSet",
    "Process",
    "ProcessSet",
    "Queue",
    "QueueSummary",
    "QueuedJob",
    "RetrySet",
    "ScheduledSet",
    "SortedEntry",
    "Stats",
    "Work",
    "WorkSet",
    "connection",
]
