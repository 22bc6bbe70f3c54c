"""The data API: look at queues, sets, processes and numbers, and handle jobs one by one or together."""

from __future__ import annotations

from ..plugins.metrics.buckets import BOUNDS as BUCKETS
from .acted import Acted
from .connection import Connection, connection
from .deploy import Deploy, mark
from .iteration_state import IterationState
from .job_metrics import JobMetrics
from .job_record import JobRecord
from .job_set import DeadSet, JobSet, RetrySet, ScheduledSet
from .metrics import Metrics
from .process_set import Process, ProcessSet
from .profiles import Profile, ProfileSet
from .queue import Queue, QueuedJob
from .sorted_entry import SortedEntry
from .stats import History, QueueSummary, Stats
from .work_set import Work, WorkSet

__all__ = [
    "BUCKETS",
    "Acted",
    "Connection",
    "DeadSet",
    "Deploy",
    "History",
    "IterationState",
    "JobMetrics",
    "JobRecord",
    "JobSet",
    "Metrics",
    "Process",
    "ProcessSet",
    "Profile",
    "ProfileSet",
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
    "mark",
]
