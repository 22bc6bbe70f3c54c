"""The job of a Django task: how it is called, and what its worker tells Django."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from traceback import format_exception
from typing import Any

from django.conf import settings
from django.tasks import TaskContext, TaskResult, TaskResultStatus
from django.tasks.base import TaskError
from django.tasks.signals import task_finished, task_started
from django.utils import timezone
from django.utils.json import normalize_json

from ... import function_job
from ...context import current_job
from ...features import Feature, declare
from ...function_job import FunctionJob
from ...registry import registry

#: The field of a payload that says how the task was enqueued.
ABOUT = "django_task"
_tasks: dict[str, Any] = {}


def _check(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be what the backend of django.tasks says, not {value!r}")
    return value


declare(Feature("django_tasks", options={ABOUT: _check}))


def about(task: Any, now: datetime) -> dict[str, Any]:
    """Return what a payload says of *task*, besides its name and its queue."""
    at = task.run_after
    return {
        "backend": task.backend,
        "priority": task.priority,
        "run_after": at.isoformat() if at is not None else None,
        "enqueued_at": now.timestamp(),
    }


def task_of(payload: Mapping[str, Any]) -> Any:
    """Return the task as it was enqueued; None for a job that is no task that is known here."""
    base = _tasks.get(str(payload.get("class")))
    if base is None:
        return None
    said = payload.get(ABOUT) or {}
    at = said.get("run_after")
    return base.using(
        queue_name=payload.get("queue"),
        priority=said.get("priority"),
        backend=said.get("backend"),
        run_after=datetime.fromisoformat(at) if at else None,
    )


def handle_of(task: Any) -> FunctionJob[..., Any]:
    """Return the job of *task*, which is registered if it was not."""
    name = task.module_path
    known = registry.find(name)
    if known is not None and name in _tasks and _tasks[name].func is task.func:
        handle: FunctionJob[..., Any] = known.handle
        return handle
    options = task.get_backend().job_options
    _tasks[name] = task
    made = function_job.job(name=name, queue=task.queue_name, **options)(_job_of(task))
    made.retries_exhausted(functools.partial(_failed, name))
    return made


def _job_of(task: Any) -> Callable[..., Any]:
    """Return what a worker calls, with the parameters of the task's function less the context."""
    function = task.func
    if inspect.iscoroutinefunction(function) and importlib.util.find_spec("greenlet"):

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with _running(task, args, kwargs) as run:
                return run.ended(await function(*run.args, **kwargs))

        run: Any = run_async
    else:

        def run_here(*args: Any, **kwargs: Any) -> Any:
            with _running(task, args, kwargs) as run:
                return run.ended(task.call(*run.args, **kwargs))

        run = run_here
    functools.update_wrapper(run, function)
    del run.__wrapped__
    own = inspect.signature(function)
    parameters = list(own.parameters.values())[1 if task.takes_context else 0 :]
    run.__signature__ = own.replace(parameters=parameters)
    return run  # type: ignore[no-any-return]


class Run:
    """One run of a task: the arguments of its function, and the result that Django is told."""

    def __init__(self, task: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        job = current_job()
        self._payload = dict(job.payload) if job is not None else {"class": task.module_path}
        known = task_of(self._payload) or task
        now = timezone.now()
        attempt = int(self._payload.get("retry_count", -1)) + 2
        self.result = TaskResult(
            task=known,
            id=str(self._payload.get("jid", "")),
            status=TaskResultStatus.RUNNING,
            enqueued_at=enqueued_at(self._payload) or now,
            started_at=now,
            last_attempted_at=now,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=known.backend,
            errors=[],
            worker_ids=[here()] * attempt,
        )
        context = (TaskContext(task_result=self.result),) if task.takes_context else ()
        self.args = (*context, *args)

    def ended(self, value: Any) -> dict[str, Any]:
        """Return what is kept of a run that succeeded. Raises TypeError for what no JSON carries."""
        carried = normalize_json(value)
        object.__setattr__(self.result, "_return_value", carried)
        said = {name: self._payload.get(name) for name in ("class", "queue", ABOUT)}
        return {"value": carried, "args": self.result.args, "kwargs": self.result.kwargs, **said}

    def tell(self, status: Any) -> None:
        """Tell Django that it is over."""
        object.__setattr__(self.result, "finished_at", timezone.now())
        object.__setattr__(self.result, "status", status)
        task_finished.send(_sender(self.result), task_result=self.result)


@contextmanager
def _running(task: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Run]:
    run = Run(task, args, kwargs)
    task_started.send(_sender(run.result), task_result=run.result)
    yield run
    run.tell(TaskResultStatus.SUCCESSFUL)


def _failed(name: str, payload: dict[str, Any], error: BaseException) -> None:
    """Tell Django of a task that is given up; one that is to be retried is not finished."""
    task = task_of(payload) or _tasks[name]
    run = Run(task, tuple(payload.get("args", ())), dict(payload.get("kwargs", {})))
    object.__setattr__(run.result, "id", str(payload.get("jid", "")))
    text = "".join(format_exception(error))
    run.result.errors.append(TaskError(exception_class_path=path_of(_name(error)), traceback=text))
    run.tell(TaskResultStatus.FAILED)


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def path_of(error_class: str) -> str:
    """Return the path by which Django imports an error class that a payload names."""
    return error_class if "." in error_class else f"builtins.{error_class}"


def here() -> str:
    """Return the name of this worker, for Django."""
    return f"{socket.gethostname()}:{os.getpid()}"


def enqueued_at(payload: Mapping[str, Any]) -> datetime | None:
    """Return when the task was enqueued; None where another program has pushed it."""
    at = (payload.get(ABOUT) or {}).get("enqueued_at")
    return moment(at) if at else None


def moment(at: float) -> datetime:
    """Return epoch seconds as Django has a moment: in UTC, or, without ``USE_TZ``, as local time."""
    return datetime.fromtimestamp(at, UTC if settings.USE_TZ else None)


def _sender(result: Any) -> type:
    return type(result.task.get_backend())
