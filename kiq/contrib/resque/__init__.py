"""Jobs in the manner of Resque: plain classes with ``queue`` and a static ``perform``.

``from kiq.contrib import resque``, then ``resque.enqueue(MyJob, "Alice", 3)``. See docs/resque.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ...api import connection
from . import failure
from .delayed import (
    count_all_scheduled_jobs,
    delay_or_enqueue_at,
    delay_or_enqueue_in,
    delayed_queue_peek,
    enqueue_delayed,
    enqueue_delayed_selection,
    find_delayed_selection,
    is_delayed,
    remove_delayed,
    remove_delayed_in_queue,
    remove_delayed_job_from_timestamp,
    remove_delayed_selection,
    reset_delayed_queue,
    scheduled_at,
    search_delayed,
)
from .elsewhere import missing
from .enqueuing import (
    enqueue,
    enqueue_at,
    enqueue_at_with_queue,
    enqueue_in,
    enqueue_in_with_queue,
    enqueue_to,
)
from .errors import DontPerform, NoClassError, NoQueueError
from .job_classes import ResqueJob, register
from .plugin import Resque
from .queues import (
    dequeue,
    info,
    peek,
    push,
    queue_sizes,
    queues,
    remove_queue,
    sample_queues,
    size,
    workers,
    working,
)
from .schedules import (
    fetch_schedule,
    get_schedules,
    last_enqueued_at,
    load_schedule,
    queue_now,
    remove_schedule,
    set_schedule,
    use_schedule,
)
from .settings import static
from .switches import logger, refuse_logger, set_inline, switches, use_redis

__all__ = [
    "DontPerform",
    "NoClassError",
    "NoQueueError",
    "Resque",
    "ResqueJob",
    "count_all_scheduled_jobs",
    "delay_or_enqueue_at",
    "delay_or_enqueue_in",
    "delayed_queue_peek",
    "dequeue",
    "enqueue",
    "enqueue_at",
    "enqueue_at_with_queue",
    "enqueue_delayed",
    "enqueue_delayed_selection",
    "enqueue_in",
    "enqueue_in_with_queue",
    "enqueue_to",
    "failure",
    "fetch_schedule",
    "find_delayed_selection",
    "get_schedules",
    "info",
    "inline",
    "is_delayed",
    "last_enqueued_at",
    "load_schedule",
    "logger",
    "peek",
    "push",
    "queue_now",
    "queue_sizes",
    "queues",
    "redis",
    "register",
    "remove_delayed",
    "remove_delayed_in_queue",
    "remove_delayed_job_from_timestamp",
    "remove_delayed_selection",
    "remove_queue",
    "remove_schedule",
    "reset_delayed_queue",
    "sample_queues",
    "schedule",
    "scheduled_at",
    "search_delayed",
    "set_schedule",
    "size",
    "workers",
    "working",
]

if TYPE_CHECKING:
    #: Set it, and what is enqueued runs here and now: for tests.
    inline: bool
    #: Set it, and pushes go there: ``"localhost:6379"``, a URL, a client.
    redis: Any
    #: Set it at the top of a module that workers import: the static schedule.
    schedule: Mapping[str, Any]


class _Settable(ModuleType):
    """This package, whose attributes do something when they are set."""

    _SETTERS = {
        "inline": set_inline,
        "redis": use_redis,
        "schedule": use_schedule,
        "logger": refuse_logger,
    }

    def __getattr__(self, name: str) -> Any:
        match name:
            case "inline":
                return switches.inline
            case "redis":
                return connection()
            case "schedule":
                return dict(static)
        raise AttributeError(missing(name))

    def __setattr__(self, name: str, value: Any) -> None:
        setter = self._SETTERS.get(name)
        if setter is not None:
            setter(value)
        elif name in vars(self) or name.startswith("__") or isinstance(value, ModuleType):
            super().__setattr__(
                name, value
            )  # a test puts something in its place, or an import does
        else:
            raise AttributeError(missing(name))


sys.modules[__name__].__class__ = _Settable
