"""kiq: background jobs for Python in the style of Sidekiq."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .client import Client
from .configure import configure
from .context import current_job
from .errors import (
    ArgumentError,
    BatchClosed,
    BootError,
    BulkPushError,
    Cancelled,
    ConfigError,
    Discard,
    DuplicateJob,
    EmbeddedServerError,
    JobFailed,
    Kill,
    KiqError,
    NotDone,
    PayloadError,
    PluginError,
    ResultError,
    ResultMissing,
    ResultTimeout,
    Retry,
    Shutdown,
    Snooze,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
    StoreUnsuitable,
    TimeLimitExceeded,
    UndecodablePayload,
    UnknownJobClass,
    WaitRefused,
)
from .first_use import found_in as _found_in
from .function_job import FunctionJob, job
from .job_class import Job
from .middleware import ClientContext, ServerContext
from .plugin import Host, Plugin, host
from .pushing import push, push_bulk
from .reporting import progress

if TYPE_CHECKING:
    from .embedding import embed
    from .plugins import iteration, limits
    from .plugins.after_commit import after_commit
    from .plugins.batches import Batch, current_batch
    from .plugins.cancelling import cancel
    from .plugins.context import carry, carry_locale, carry_trace
    from .plugins.declared import Options, SetOptions, Unique
    from .plugins.declared.periodic import periodic
    from .plugins.duties import Duty, duty
    from .plugins.iteration import IterableJob
    from .plugins.limits import RateLimited
    from .plugins.results import Outcome, Progress, Result, Results, result, results

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "Batch",
    "BatchClosed",
    "BootError",
    "BulkPushError",
    "Cancelled",
    "Client",
    "ClientContext",
    "ConfigError",
    "Discard",
    "DuplicateJob",
    "Duty",
    "EmbeddedServerError",
    "FunctionJob",
    "Host",
    "IterableJob",
    "Job",
    "JobFailed",
    "Kill",
    "KiqError",
    "NotDone",
    "Options",
    "Outcome",
    "PayloadError",
    "Plugin",
    "PluginError",
    "Progress",
    "RateLimited",
    "Result",
    "ResultError",
    "ResultMissing",
    "ResultTimeout",
    "Results",
    "Retry",
    "ServerContext",
    "SetOptions",
    "Shutdown",
    "Snooze",
    "StoreDenied",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "StoreUnsuitable",
    "TimeLimitExceeded",
    "UndecodablePayload",
    "Unique",
    "UnknownJobClass",
    "WaitRefused",
    "after_commit",
    "cancel",
    "carry",
    "carry_locale",
    "carry_trace",
    "configure",
    "current_batch",
    "current_job",
    "duty",
    "embed",
    "host",
    "iteration",
    "job",
    "limits",
    "periodic",
    "progress",
    "push",
    "push_bulk",
    "result",
    "results",
]

#: Names of wings, each imported at its first use: a program that does not use one has not got it.
_ELSEWHERE = {
    "Batch": ".plugins.batches",
    "embed": ".embedding",
    "IterableJob": ".plugins.iteration",
    "iteration": ".plugins.iteration",
    "Duty": ".plugins.duties",
    "Options": ".plugins.declared",
    "RateLimited": ".plugins.limits",
    "Outcome": ".plugins.results",
    "Progress": ".plugins.results",
    "Result": ".plugins.results",
    "Results": ".plugins.results",
    "SetOptions": ".plugins.declared",
    "Unique": ".plugins.declared",
    "after_commit": ".plugins.after_commit",
    "cancel": ".plugins.cancelling",
    "current_batch": ".plugins.batches",
    "carry": ".plugins.context",
    "carry_locale": ".plugins.context",
    "carry_trace": ".plugins.context",
    "duty": ".plugins.duties",
    "limits": ".plugins.limits",
    "periodic": ".plugins.declared.periodic",
    "result": ".plugins.results",
    "results": ".plugins.results",
}

if not TYPE_CHECKING:
    __getattr__ = _found_in(__name__, _ELSEWHERE)
