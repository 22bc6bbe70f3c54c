"""What the features that kiq comes with add to what users write, put together.

A file for each, which loads nothing else of its feature: a producer has the options without the plugins.
"""

from __future__ import annotations

from ...health.settings import HealthSettings
from ...options import ClassOptions, PushOptions
from ...parent.settings import ParentSettings
from .asyncio_jobs import AsyncSettings
from .expiry import ExpiryOptions
from .history import HistoryOptions
from .iteration import IterationSettings
from .limits import LimitOptions
from .log_levels import LogLevelOptions
from .periodic import PeriodicSettings, shown_ticks
from .periodic import static as static_entries
from .periodic_entry import Definition
from .profiling import ProfilingOptions
from .queue_limits import QueueLimitSettings
from .results import ResultOptions, ResultSettings
from .time_limits import TimeLimitOptions, TimeLimitSettings
from .unique import Unique, UniqueOptions

__all__ = [
    "AsyncSettings",
    "Definition",
    "HealthSettings",
    "IterationSettings",
    "Options",
    "ParentSettings",
    "PeriodicSettings",
    "QueueLimitSettings",
    "ResultSettings",
    "SetOptions",
    "TimeLimitSettings",
    "Unique",
    "shown_ticks",
    "static_entries",
]


class SetOptions(
    PushOptions,
    LogLevelOptions,
    TimeLimitOptions,
    ProfilingOptions,
    UniqueOptions,
    ExpiryOptions,
    LimitOptions,
    HistoryOptions,
    ResultOptions,
    total=False,
):
    """What :meth:`kiq.Job.set` takes: options for one push."""


class Options(SetOptions, ClassOptions, total=False):
    """What a job class takes as class keywords, and ``@kiq.job`` as arguments."""
