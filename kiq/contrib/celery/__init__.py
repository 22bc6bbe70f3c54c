"""Tasks in the manner of Celery: an application moves by changing its imports.

``from kiq.contrib.celery import Celery, shared_task``. See docs/celery.md.
"""

from __future__ import annotations

from . import exceptions, schedules, signals
from .app import Celery, current_app, current_task, shared_task, signature
from .canvas import Signature, chain, chord, chunks, group, xmap, xstarmap
from .log import get_task_logger
from .plugin import CeleryTasks
from .result import AsyncResult, EagerResult
from .task import Task

subtask = signature

__all__ = [
    "AsyncResult",
    "Celery",
    "CeleryTasks",
    "EagerResult",
    "Signature",
    "Task",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "exceptions",
    "get_task_logger",
    "group",
    "schedules",
    "shared_task",
    "signals",
    "signature",
    "subtask",
    "xmap",
    "xstarmap",
]
