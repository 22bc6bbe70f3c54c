"""``enqueue`` and its sisters: now, in a while, at a time; to the class's queue or to another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ParamSpec

from ...clock import wall
from ...enqueuing import Enqueuer
from ...payload import due_at, due_in
from . import hooks
from .job_classes import ResqueJob, job_of
from .running import ran
from .switches import switches

P = ParamSpec("P")
#: Seconds since the epoch, or an aware datetime.
When = float | datetime


def enqueue(job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """Push a job to the queue of its class; return its jid, or None where a hook said no.

    One round trip, and none where :data:`inline` is set: then it runs here, and what it raises is
    raised. Raises NoQueueError, ArgumentError, StoreError.
    """
    return _enqueued(job, None, args, kwargs)


def enqueue_to(queue: str, job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """Push a job to *queue*, whatever its class says; see :func:`enqueue`."""
    return _enqueued(job, queue, args, kwargs)


def enqueue_at(when: When, job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """Push a job that is due at *when*: an aware datetime, or epoch seconds; what is past, at once.

    Returns its jid, or None where ``before_schedule`` said no. One round trip.
    """
    return _scheduled(job, None, when, args, kwargs)


def enqueue_in(
    delay: float | timedelta, job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs
) -> str | None:
    """Push a job that is due in *delay*: seconds or a timedelta; see :func:`enqueue_at`."""
    return _scheduled(job, None, due_in("enqueue_in", delay), args, kwargs)


def enqueue_at_with_queue(
    queue: str, when: When, job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs
) -> str | None:
    """Push a job to *queue* that is due at *when*; see :func:`enqueue_at`."""
    return _scheduled(job, queue, when, args, kwargs)


def enqueue_in_with_queue(
    queue: str, delay: float | timedelta, job: ResqueJob[P], /, *args: P.args, **kwargs: P.kwargs
) -> str | None:
    """Push a job to *queue* that is due in *delay*; see :func:`enqueue_in`."""
    return _scheduled(job, queue, due_in("enqueue_in_with_queue", delay), args, kwargs)


def _enqueued(job: Any, queue: str | None, args: Any, kwargs: Any) -> str | None:
    push = job_of(job, queue=queue)
    if not _allowed(job, "before_enqueue", args, kwargs):
        return None
    jid = _now(push, args, kwargs)
    _call(job, "after_enqueue", args, kwargs)
    return jid


def _scheduled(job: Any, queue: str | None, when: When, args: Any, kwargs: Any) -> str | None:
    push, at = job_of(job, queue=queue), due_at("enqueue_at", when)
    if not _allowed(job, "before_schedule", args, kwargs):
        return None
    if switches.inline or at <= wall():
        jid = _now(push, args, kwargs)
    else:
        jid = push.perform_at(at, *args, **kwargs)
    _call(job, "after_schedule", args, kwargs)
    return jid


def _now(push: Enqueuer[Any], args: Any, kwargs: Any) -> str | None:
    if not switches.inline:
        return push.perform_async(*args, **kwargs)
    noted: list[str] = []
    token = ran.set(noted)
    try:
        push.perform_inline(*args, **kwargs)
    finally:
        ran.reset(token)
    return noted[0] if noted else None


def _allowed(job: Any, kind: str, args: Any, kwargs: Any) -> bool:
    return not isinstance(job, type) or hooks.allowed(job, kind, args, kwargs)


def _call(job: Any, kind: str, args: Any, kwargs: Any) -> None:
    if isinstance(job, type):
        hooks.call(job, kind, args, kwargs)
