"""From a plain class, with ``queue`` and a static ``perform``, to a job that kiq knows."""

from __future__ import annotations

import functools
import inspect
from typing import Any, ParamSpec, Protocol, TypeVar

from ...config import check_queue_name
from ...enqueuing import Enqueuer
from ...errors import ConfigError
from ...function_job import FunctionJob
from ...function_job import job as function_job
from ...job_class import Job
from ...registry import JobSpec, registry, wire_name
from . import hooks
from .errors import NoClassError, NoQueueError
from .running import run

P = ParamSpec("P")
C = TypeVar("C", bound=type)

#: Attributes that plugins of Resque read, and what says the same here.
_ELSEWHERE = {
    "retry_limit": "retry = 3, the attempts after the first",
    "retry_delay": "retry = 3, and a static retry_in(count, error, payload) that returns seconds",
    "backoff_strategy": "retry = 3, and a static retry_in(count, error, payload) that returns seconds",
    "retry_exceptions": "a static retry_in(count, error, payload) that returns kiq.Kill for the others",
    "fatal_exceptions": "a static retry_in(count, error, payload) that returns kiq.Kill for these",
    "enqueue_front": "a queue of its own that stands before the others: QUEUES=urgent,low",
    "lock_timeout": 'kiq_options = {"unique": kiq.Unique()} (docs/unique.md)',
    "loner_ttl": 'kiq_options = {"unique": kiq.Unique()} (docs/unique.md)',
}


#: By the names of their jobs.
_classes: dict[str, type] = {}


class ResqueJob(Protocol[P]):
    """A class as Resque's jobs are: it has a ``queue``, and a static ``perform``. No base is needed."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Do the job: a staticmethod, or a classmethod."""


def register(cls: C) -> C:
    """Make *cls* a job, and return it: may stand above it, as ``@resque.register``.

    Needed only for what neither :func:`enqueue` nor a worker finds at the top of a module. Raises
    NoClassError, NoQueueError, or ConfigError for a class that can't be one.
    """
    job_of(cls)
    return cls


def job_of(job: Any, *, queue: str | None = None) -> Enqueuer[Any]:
    """Return what pushes *job*, to *queue* where that is named; it may also be a job of kiq's own kind.

    Raises NoClassError, NoQueueError or ConfigError.
    """
    if not isinstance(job, type):
        if isinstance(job, Enqueuer):
            return job.set(queue=queue) if queue else job
        raise NoClassError(
            f"a job is a class with a queue and a static perform, not {job!r}; one that is known by "
            'its name only is pushed by kiq.push({"class": "app.MyJob", "args": [1], "queue": "low"})'
        )
    if issubclass(job, Job):
        own: Any = job
        made_by: Enqueuer[Any] = own.set(queue=queue) if queue else own.set()
        return made_by
    made: FunctionJob[..., Any] | None = vars(job).get("_kiq_resque")
    if made is None:
        made = _made(job, queue)
    elif registry.find(made._kiq_spec.name) is not made._kiq_spec:
        registry.add(made._kiq_spec)  # a test had a registry of its own
    return made.set(queue=queue) if queue else made


def queue_of(job: Any) -> str:
    """Return the queue of the class *job*. Raises NoQueueError."""
    queue = getattr(job, "queue", None)
    if queue is None and isinstance(spec := getattr(job, "_kiq_spec", None), JobSpec):
        return str(spec.options["queue"])
    if callable(queue):
        queue = queue()
    if not isinstance(queue, str) or not queue:
        name = getattr(job, "__qualname__", repr(job))
        raise NoQueueError(
            f'jobs must be placed onto a queue, and {name} names none: write `queue = "default"` '
            "in it, or use resque.enqueue_to"
        )
    return check_queue_name(queue)


def class_of(name: Any) -> type | None:
    """Return the class whose jobs are called *name*, or None."""
    return _classes.get(name) if isinstance(name, str) else None


def known_classes() -> set[type]:
    """Return the classes that are jobs here."""
    return {
        cls for name, cls in _classes.items() if registry.find(name) is cls.__dict__["_kiq_spec"]
    }


def is_one(found: Any) -> bool:
    """Tell whether *found* is a class as :class:`ResqueJob` describes it."""
    if not isinstance(found, type) or issubclass(found, Job):
        return False
    perform = inspect.getattr_static(found, "perform", None)
    queue = getattr(found, "queue", None)
    return isinstance(perform, staticmethod | classmethod) and (
        isinstance(queue, str) or (callable(queue) and not isinstance(queue, type))
    )


def _made(cls: type, queue: str | None) -> FunctionJob[..., Any]:
    _check(cls)
    # A failure is a failure, unless the class says otherwise: it goes to the dead set, as to `failed`.
    options = {"retry": getattr(cls, "retry", 0), **getattr(cls, "kiq_options", {})}
    if hasattr(cls, "queue") or queue is None:
        options["queue"] = queue_of(cls)
    else:
        options["queue"] = queue
    name = wire_name(cls.__module__, cls.__qualname__)
    made = function_job(name=name, **options)(_function_of(cls))
    for hook in ("retry_in", "retries_exhausted"):
        if hasattr(cls, hook):
            getattr(made, hook)(getattr(cls, hook))
    # Where kiq looks for a job: so that kiq.periodic, kiq.testing and kiq.api take the class.
    cls._kiq_spec = made._kiq_spec  # type: ignore[attr-defined]
    cls._kiq_resque = made  # type: ignore[attr-defined]
    _classes.update(dict.fromkeys((name, *made._kiq_spec.aliases), cls))
    return made


def _check(cls: type) -> None:
    name = cls.__qualname__
    if getattr(cls, "perform", None) is None:
        raise NoClassError(f"{name} has no perform: write a static `perform` in it")
    raw = inspect.getattr_static(cls, "perform")
    if not isinstance(raw, staticmethod | classmethod):
        raise ConfigError(
            f"{name}.perform must be static, as Resque's is: write @staticmethod above it, and no self"
        )
    if inspect.iscoroutinefunction(raw.__func__):
        raise ConfigError(
            f"{name}.perform is async: hooks in the manner of Resque are not; write @kiq.job above an "
            "async def function"
        )
    for attribute, instead in _ELSEWHERE.items():
        if hasattr(cls, attribute):
            raise ConfigError(f"{name}.{attribute} does nothing in kiq: write {instead}")
    hooks.check(cls)


def _function_of(cls: type) -> Any:
    """Return a function with the signature of the class's ``perform``, that runs it within its hooks."""

    @functools.wraps(cls.perform)  # type: ignore[attr-defined]
    def perform(*args: Any, **kwargs: Any) -> Any:
        return run(cls, args, kwargs)

    return perform
