"""kiq: background jobs for Python in the style of Sidekiq."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from .plugins import iteration as iteration
    from .plugins.iteration import IterableJob as IterableJob

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

#: Names that wings bring: a wing is imported when somebody asks for its name, not before.
_OF_WINGS = {
    "IterableJob": "plugins.iteration:IterableJob",
    "iteration": "plugins.iteration",
}

if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in _OF_WINGS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _OF_WINGS[name].partition(":")
        found = importlib.import_module(f".{module}", __name__)
        return getattr(found, attribute) if attribute else found
