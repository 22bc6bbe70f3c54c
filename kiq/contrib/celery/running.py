"""One run of a task: its handlers, its signals, and whether what it raised is tried again."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...clock import wall
from ...errors import (
    Cancelled,
    ConfigError,
    Discard,
    JobSignal,
    Shutdown,
    Snooze,
    TimeLimitExceeded,
)
from ...plugin import host
from ...raised import is_a
from . import retrying, signals
from .exceptions import Ignore, MaxRetriesExceededError, Reject, Retry
from .options import moment
from .request import Request, request_of
from .request import running as in_hand
from .result import FAILURE, RETRY, SUCCESS

_NO_FAILURE = (JobSignal, Cancelled, Shutdown)


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What handlers get of an error: itself, and its traceback as text."""

    exception: BaseException

    @property
    def type(self) -> type[BaseException]:
        """Its class."""
        return type(self.exception)

    @property
    def traceback(self) -> str:
        """Its traceback, as Python prints it."""
        return "".join(traceback.format_exception(self.exception))

    def __str__(self) -> str:
        return self.traceback


def run(task: Any, args: Any, kwargs: Any) -> Any:
    """Run *task* within its handlers and signals; return what it returns, raise what it raises.

    What a handler or a receiver raises is reported, and changes nothing.
    """
    request = request_of(task.name, args, kwargs)
    token = in_hand.set(request)
    named = {"task_id": request.id, "task": task, "args": request.args, "kwargs": request.kwargs}
    state, value, einfo = "IGNORED", None, None
    try:
        signals.task_prerun.send(task, **named)
        _call(task.before_start, request)
        value = _attempt(task, request)
        state = SUCCESS
        signals.task_success.send(task, result=value)
        _call(task.on_success, request, value)
        return value
    except Ignore:
        return None
    except Reject as rejected:
        raise (Snooze(0) if rejected.requeue else Discard()) from rejected
    except Retry as wanted:
        state, value, einfo = RETRY, wanted, ErrorInfo(wanted.exc or wanted)
        signals.task_retry.send(task, request=request, reason=wanted.exc or wanted, einfo=einfo)
        _call(task.on_retry, request, wanted.exc or wanted, einfo=einfo)
        raise
    except _NO_FAILURE:
        raise
    except BaseException as error:
        state, value, einfo = FAILURE, error, ErrorInfo(error)
        signals.task_failure.send(
            task,
            **{**named, "task": None},
            exception=error,
            traceback=error.__traceback__,
            einfo=einfo,
        )
        _call(task.on_failure, request, error, einfo=einfo)
        raise
    finally:
        signals.task_postrun.send(task, **named, retval=value, state=state)
        _call(task.after_return, request, state, value, einfo=einfo)
        in_hand.reset(token)


def _attempt(task: Any, request: Request) -> Any:
    try:
        value = task(*request.args, **request.kwargs)
    except (*_NO_FAILURE, Ignore, Reject):
        raise
    except BaseException as error:
        if not _is_tried_again(task, error):
            raise
        options = dict(task.retry_kwargs)
        if task.retry_backoff:
            options["countdown"] = retrying.backoff(
                task.retry_backoff, request.retries, task.retry_backoff_max, task.retry_jitter
            )
        raise task.retry(exc=error, **options) from error
    if request.later is not None:
        raise request.later
    return value


def _is_tried_again(task: Any, error: BaseException) -> bool:
    wanted = any(is_a(error, each) for each in task.autoretry_for)
    # As in Celery a time limit is one of them only by its name: Exception does not have it.
    return wanted and not any(is_a(error, each) for each in task.dont_autoretry_for)


def _call(handler: Any, request: Request, *first: Any, einfo: Any = ...) -> None:
    more = () if einfo is ... else (einfo,)
    try:
        handler(*first, request.id, request.args, request.kwargs, *more)
    except (Exception, TimeLimitExceeded) as error:  # noqa: BLE001 (the run is over)
        host.report(error, {"context": f"{handler.__name__} of the task {request.task}"})


def delay_of(task: Any, countdown: float | None, eta: datetime | None) -> float:
    """Return the seconds until the next run. Raises ConfigError where both are given."""
    if countdown is not None and eta is not None:
        raise ConfigError(f"{task.name}: give retry a countdown or an eta, not both")
    if eta is not None:
        return max(0.0, moment(task, eta) - wall())
    return float(task.default_retry_delay if countdown is None else countdown)


def check_left(task: Any, request: Request, most: int | None, exc: BaseException | None) -> None:
    """Raise *exc*, or MaxRetriesExceededError, where no retry is left."""
    bound = task._kiq_spec.options["retry"]
    most = task.max_retries if most is None else most
    if most is not None and most > bound:
        raise ConfigError(
            f"{task.name}: max_retries={most} is more than the task's own, which its jobs are pushed "
            f"with: write @app.task(max_retries={most}), and less in the call"
        )
    if most is not None and request.retries >= most:
        raise exc or MaxRetriesExceededError(
            f"can't retry {task.name}[{request.id}] args:{request.args} kwargs:{request.kwargs}"
        )
