"""Jobs in the manner of Delayed Job: ``delay(user).activate(3)``, custom jobs, hooks.

``from kiq.contrib import delayed``. See docs/delayed-job.md.
"""

from __future__ import annotations

from typing import NoReturn

from .delaying import Delayable, Mailer, delay, delayable, register
from .elsewhere import missing
from .enqueuing import enqueue
from .errors import NotDelayable, RefNotFound
from .handling import handle_asynchronously
from .job import Job
from .plugin import DelayedJobs
from .reading import count, first, last, work_off
from .settings import worker

__all__ = [
    "Delayable",
    "DelayedJobs",
    "Job",
    "Mailer",
    "NotDelayable",
    "RefNotFound",
    "count",
    "delay",
    "delayable",
    "enqueue",
    "first",
    "handle_asynchronously",
    "last",
    "register",
    "work_off",
    "worker",
]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(missing(name))
