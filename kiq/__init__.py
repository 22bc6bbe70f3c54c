"""kiq: background jobs for Python in the style of Sidekiq."""

from __future__ import annotations

from .client import Client
from .configure import configure
from .context import current_job
from .errors import (
    ArgumentError,
    BootError,
    BulkPushError,
    ConfigError,
    Discard,
    EmbeddedServerError,
    Kill,
    KiqError,
    PayloadError,
    PluginError,
    Retry,
    Shutdown,
    Snooze,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
    StoreUnsuitable,
    UndecodablePayload,
    UnknownJobClass,
)
from .function_job import FunctionJob, job
from .job_class import Job
from .middleware import ClientContext, ServerContext
from .plugin import Host, Plugin, host
from .pushing import push, push_bulk

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "BootError",
    "BulkPushError",
    "Client",
    "ClientContext",
    "ConfigError",
    "Discard",
    "EmbeddedServerError",
    "FunctionJob",
    "Host",
    "Job",
    "Kill",
    "KiqError",
    "PayloadError",
    "Plugin",
    "PluginError",
    "Retry",
    "ServerContext",
    "Shutdown",
    "Snooze",
    "StoreDenied",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "StoreUnsuitable",
    "UndecodablePayload",
    "UnknownJobClass",
    "configure",
    "current_job",
    "host",
    "job",
    "push",
    "push_bulk",
]
