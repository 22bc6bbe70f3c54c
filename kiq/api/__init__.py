"""The data API: look at queues, sets, processes and numbers, and handle jobs one by one or together.

What reads a feature's keys is the feature's own, and is had from here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..first_use import found_in as _found_in
from .acted import Acted
from .due import Coming, coming
from .explaining import Asked, Explainer, Known, Reason
from .filters import Filter, parse_filter
from .finding import Found, Slice, find, search
from .groups import FailureGroup, FailureGroups, count_failures, failure_groups
from .home import Connection, connection
from .job_record import JobRecord
from .job_set import DeadSet, JobSet, RetrySet, ScheduledSet
from .listed import Listing, entry_at, listing, place_of
from .pausing import PauseNote
from .planned import Deed, Plan, carry_out, plan
from .process_set import Process, ProcessSet
from .queue import Queue, QueuedJob
from .reasons import Why, why
from .sorted_entry import SortedEntry
from .stats import History, QueueSummary, Stats
from .trash import Act, act_of, can_undo, undoable
from .undoing import Undoable, Undone, undo, undoable_act, undoable_acts
from .verifying import Finding, Report, verify
from .work_set import Work, WorkSet

if TYPE_CHECKING:
    from ..plugins.batches import BatchSet, BatchStatus
    from ..plugins.expiry import expired_jobs
    from ..plugins.history import JobAttempt, attempts, job_log
    from ..plugins.iteration import IterationState
    from ..plugins.limits import LimitSet, LimitState
    from ..plugins.metrics import BUCKETS, Deploy, JobMetrics, Metrics, mark
    from ..plugins.periodic import PeriodicJob, PeriodicSet, Tick
    from ..plugins.profiling import Profile, ProfileSet
    from ..plugins.results import Outcome, Progress, Status
    from ..plugins.results import result as result
    from ..plugins.results import results as results
    from ..plugins.trends import Trend, Trends
    from ..plugins.unique import Lock, LockSet

__all__ = [
    "BUCKETS",
    "Act",
    "Acted",
    "Asked",
    "BatchSet",
    "BatchStatus",
    "Coming",
    "Connection",
    "DeadSet",
    "Deed",
    "Deploy",
    "Explainer",
    "FailureGroup",
    "FailureGroups",
    "Filter",
    "Finding",
    "Found",
    "History",
    "IterationState",
    "JobAttempt",
    "JobMetrics",
    "JobRecord",
    "JobSet",
    "Known",
    "LimitSet",
    "LimitState",
    "Listing",
    "Lock",
    "LockSet",
    "Metrics",
    "Outcome",
    "PauseNote",
    "PeriodicJob",
    "PeriodicSet",
    "Plan",
    "Process",
    "ProcessSet",
    "Profile",
    "ProfileSet",
    "Progress",
    "Queue",
    "QueueSummary",
    "QueuedJob",
    "Reason",
    "Report",
    "RetrySet",
    "ScheduledSet",
    "Slice",
    "SortedEntry",
    "Stats",
    "Status",
    "Tick",
    "Trend",
    "Trends",
    "Undoable",
    "Undone",
    "Why",
    "Work",
    "WorkSet",
    "act_of",
    "attempts",
    "can_undo",
    "carry_out",
    "coming",
    "connection",
    "count_failures",
    "entry_at",
    "expired_jobs",
    "failure_groups",
    "find",
    "job_log",
    "listing",
    "mark",
    "parse_filter",
    "place_of",
    "plan",
    "result",
    "results",
    "search",
    "undo",
    "undoable",
    "undoable_act",
    "undoable_acts",
    "verify",
    "why",
]

#: Features stand on this package: their names are imported at the first use.
_OF_FEATURES = {
    "BUCKETS": "..plugins.metrics",
    "BatchSet": "..plugins.batches",
    "BatchStatus": "..plugins.batches",
    "Deploy": "..plugins.metrics",
    "IterationState": "..plugins.iteration",
    "JobAttempt": "..plugins.history",
    "attempts": "..plugins.history",
    "job_log": "..plugins.history",
    "expired_jobs": "..plugins.expiry",
    "JobMetrics": "..plugins.metrics",
    "LimitSet": "..plugins.limits",
    "LimitState": "..plugins.limits",
    "Lock": "..plugins.unique",
    "LockSet": "..plugins.unique",
    "Metrics": "..plugins.metrics",
    "Outcome": "..plugins.results",
    "Progress": "..plugins.results",
    "Status": "..plugins.results",
    "result": "..plugins.results",
    "results": "..plugins.results",
    "PeriodicJob": "..plugins.periodic",
    "PeriodicSet": "..plugins.periodic",
    "Profile": "..plugins.profiling",
    "ProfileSet": "..plugins.profiling",
    "Trend": "..plugins.trends",
    "Trends": "..plugins.trends",
    "Tick": "..plugins.periodic",
    "mark": "..plugins.metrics",
}

if not TYPE_CHECKING:
    __getattr__ = _found_in(__name__, _OF_FEATURES)
