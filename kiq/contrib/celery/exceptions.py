"""The errors of Celery's module of that name, as far as tasks and callers meet them here."""

from __future__ import annotations

from typing import Any

from ...errors import (
    ConfigError,
    JobFailed,
    KiqError,
    ResultTimeout,
    TimeLimitExceeded,
    UnknownJobClass,
)
from ...errors import (
    Retry as _Retry,
)

TimeoutError = ResultTimeout
SoftTimeLimitExceeded = TimeLimitExceeded
NotRegistered = UnknownJobClass
ImproperlyConfigured = ConfigError
TaskFailed = JobFailed


class TaskError(KiqError):
    """The root of what a task raises about itself."""


class MaxRetriesExceededError(TaskError):
    """``self.retry()`` was called when no retry was left, and there was no error to raise instead."""


class Ignore(TaskError):
    """Raised by a task: it has ended, and is no success and no failure; no handler is told."""


class Reject(TaskError):
    """Raised by a task: it is dropped, or with *requeue* goes back to its queue."""

    def __init__(self, reason: Any = None, requeue: bool = False) -> None:
        self.reason = reason
        self.requeue = requeue
        super().__init__(reason, requeue)


class CanvasError(ConfigError):
    """A chain, a group, a chord: not here; the message says what to write."""


class Retry(_Retry):
    """What ``self.retry()`` raises: the task is to run again in *seconds*, because of *exc*."""

    def __init__(self, exc: BaseException | None = None, seconds: float = 0.0) -> None:
        super().__init__(seconds)
        self.exc = exc

    def __str__(self) -> str:
        why = f": {self.exc!r}" if self.exc is not None else ""
        return f"retry in {self.seconds:g} s{why}"
