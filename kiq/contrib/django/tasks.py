"""A backend of ``django.tasks``: the BACKEND ``kiq.contrib.django.tasks.TaskBackend`` of ``TASKS``.

Each task is a job class of its module's path. Needs Django 6.0. See docs/django.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import django
from django.apps import apps
from django.core import checks
from django.utils import timezone

from ...errors import ConfigError, KiqError

try:
    from django.tasks import Task, TaskResult, TaskResultStatus
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.exceptions import InvalidTaskBackend, TaskResultDoesNotExist
    from django.tasks.signals import task_enqueued
except ModuleNotFoundError as error:
    raise ConfigError(
        f"kiq.contrib.django.tasks needs Django 6.0 or newer, and this is {django.get_version()}: write"
        " kiq.Job or @kiq.job"
    ) from error

from .task_jobs import ABOUT, about, handle_of
from .task_results import found

_OPTIONS = {"retry": True, "result_ttl": 24 * 3600, "history": True}


class KiqTask(Task):  # type: ignore[misc]
    """A task that is known to workers as soon as its module is imported."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Register it. Raises InvalidTask."""
        Task.__post_init__(self)
        if isinstance(self.get_backend(), TaskBackend):
            handle_of(self)


class TaskBackend(BaseTaskBackend):  # type: ignore[misc]
    """Pushes tasks as jobs, and knows what they come to.

    ``OPTIONS``: *retry*, *result_ttl* (seconds, a day by default) and *history* are those of its job
    classes. Threads: any; Django makes one for each.
    """

    task_class = KiqTask
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, params)
        unknown = sorted(set(self.options) - set(_OPTIONS))
        if unknown:
            there = ", ".join(_OPTIONS)
            raise InvalidTaskBackend(
                f"TASKS[{alias!r}]: there is no option {unknown[0]!r}; there are {there}"
            )
        self.job_options = {**_OPTIONS, **self.options}

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Push a job, or have it wait for a transaction where pushes do. One round trip.

        Raises InvalidTask, TypeError for arguments that no JSON carries, and StoreError.
        """
        self.validate_task(task)
        result = TaskResult(
            task=task,
            id="",
            status=TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        object.__setattr__(result, "enqueued_at", timezone.now())
        said = about(task, result.enqueued_at)
        options = {"queue": task.queue_name, "priority": -task.priority, ABOUT: said}
        push = handle_of(task).set(**options)
        if task.run_after is None:
            jid = push.perform_async(*result.args, **result.kwargs)
        else:
            jid = push.perform_at(_moment(task.run_after), *result.args, **result.kwargs)
        if jid is None:
            raise KiqError(f"a layer vetoed the push of {task.module_path}: there is no such job")
        object.__setattr__(result, "id", str(jid))
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> Any:
        """Return what is known of the task that was enqueued as *result_id*.

        A round trip or two where it has ended; else it is looked for in every place. Raises
        TaskResultDoesNotExist, for one that is over for longer than *result_ttl* too, and StoreError.
        """
        result = found(str(result_id), self.alias)
        if isinstance(result, str):
            raise TaskResultDoesNotExist(f"{result_id}: {result}")
        return result

    def check(self, **_: Any) -> Iterator[Any]:
        """Yield what is wrong with the project."""
        if not apps.is_installed("kiq.contrib.django"):
            yield checks.Error(
                f"TASKS[{self.alias!r}] pushes jobs, and kiq.contrib.django is not in INSTALLED_APPS:"
                " no worker would close the connections of a task",
                hint='add "kiq.contrib.django"',
                id="kiq.E001",
            )


def _moment(at: datetime) -> datetime:
    """Return *at* with a time zone: without USE_TZ it is local."""
    return at if at.tzinfo is not None else at.astimezone()
