"""A task: a function with Celery's options, pushed and run as a job of kiq's."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from ...errors import ConfigError
from ...function_job import FunctionJob
from ...function_job import job as function_job
from ...jid import new_jid
from . import canvas, retrying, running, signals
from .canvas import Signature, plain, refuse
from .conf import annotations_of
from .exceptions import MaxRetriesExceededError, Retry
from .options import job_options, push_options
from .progress import report
from .pushing import push, push_by_name
from .request import Eager, Request, eager
from .request import running as in_hand
from .result import FAILURE, SUCCESS, AsyncResult, EagerResult

_REFUSED = {
    "pydantic": "kiq checks arguments against the signature; make the model from a dict in the task",
    "store_errors_even_if_ignored": "a failed task is in the dead set, with its error",
    "compression": "nothing is compressed: pass an id, or a file's name",
    "acks_on_failure_or_timeout": "a failed task ends in the dead set, and is acknowledged by that",
}


class Task:
    """The base of tasks: attributes are options, ``run`` is what runs. See docs/celery.md.

    Threads: any.
    """

    name: str = ""
    queue: str | None = None
    priority: int | None = None
    max_retries: int | None = 3
    default_retry_delay: float = 180
    autoretry_for: Sequence[type[BaseException]] = ()
    dont_autoretry_for: Sequence[type[BaseException]] = ()
    retry_kwargs: Mapping[str, Any] = {}
    retry_backoff: bool | float = False
    retry_backoff_max: float = 600
    retry_jitter: bool = True
    ignore_result: bool | None = None
    rate_limit: str | float | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    expires: float | datetime | None = None
    acks_late: bool | None = None
    serializer: str | None = None
    throws: Sequence[type[BaseException]] = ()

    MaxRetriesExceededError: ClassVar[type[Exception]] = MaxRetriesExceededError
    chunks = canvas.refusing("chunks")
    map = canvas.refusing("map")
    starmap = canvas.refusing("starmap")
    replace = canvas.refusing("replace")
    add_to_chord = canvas.refusing("add_to_chord")

    _app: Any = None
    _job: FunctionJob[..., Any]

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work."""
        raise NotImplementedError(f"{self.name or type(self).__name__} has no run")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it here, as a function."""
        return self.run(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<task {self.name}>"

    @property
    def app(self) -> Any:
        """The app that it belongs to."""
        return self._app()

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Push it; return an AsyncResult. One round trip."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        task_id: str | None = None,
        **options: Any,
    ) -> Any:
        """Push it with options: countdown, eta, expires, queue, priority, ignore_result, time limits.

        Returns an AsyncResult. One round trip. Raises ConfigError for options that are not here.
        """
        args_, kwargs_ = plain(list(args or ())), plain(dict(kwargs or {}))
        if self.app.conf.task_always_eager:
            return self.apply(args_, kwargs_, task_id=task_id)
        told = {"sender": self.name, "routing_key": options.get("queue"), "body": (args_, kwargs_)}
        signals.before_task_publish.send(**told)
        pushed = push(self._job, args_, kwargs_, push_options(self, options), task_id)
        signals.after_task_publish.send(**told, headers={"id": pushed.jid, "task": self.name})
        return AsyncResult(pushed.jid, keeps=pushed.keeps)

    def apply(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        task_id: str | None = None,
        throw: bool | None = None,
        **_options: Any,
    ) -> EagerResult:
        """Run it here and now, retries at once; return an EagerResult."""
        jid, retries = task_id or new_jid(), 0
        throw = self.app.conf.task_eager_propagates if throw is None else throw
        while True:
            token = eager.set(Eager(jid, retries))
            try:
                value = self._job.perform_inline(*(args or ()), **(kwargs or {}))
                return EagerResult(jid, value, SUCCESS)
            except Retry:
                retries += 1
            except Exception as error:
                if throw:
                    raise
                return EagerResult(jid, error, FAILURE)
            finally:
                eager.reset(token)

    def s(self, *args: Any, **kwargs: Any) -> Signature:
        """Return a signature."""
        return self.signature(args, kwargs)

    def si(self, *args: Any, **kwargs: Any) -> Signature:
        """Return a signature that takes no more arguments."""
        return self.signature(args, kwargs, immutable=True)

    def signature(
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        immutable: bool = False,
        options: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Signature:
        """Return a signature, with options of its push."""
        given = {"task": self.name, "args": args, "kwargs": kwargs, "immutable": immutable}
        return Signature({**given, "options": {**(options or {}), **more}}, self.app.find)

    subtask = signature

    @property
    def request(self) -> Request:
        """The run of this thread; one with ``called_directly`` where none is."""
        return in_hand.get() or Request(task=self.name)

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Retry:
        """Ask for another run, in *countdown* seconds (``default_retry_delay`` if None), or at *eta*.

        Raises Retry; *exc*, or MaxRetriesExceededError, when none is left. Raises ConfigError for other
        arguments, or more retries than the task's ``max_retries``: push another task for that.
        """
        request = self.request
        if (args is not None and list(args) != request.args) or (
            kwargs is not None and dict(kwargs) != request.kwargs
        ):
            raise ConfigError(
                f"{self.name}: a retry has the arguments of its task; for others push it anew: "
                f"{self.name}.apply_async(args, countdown=...), and return"
            )
        if options:
            raise ConfigError(
                f"{self.name}: a retry has the options of its task, not {', '.join(options)}: push it anew"
            )
        delay = running.delay_of(self, countdown, eta)
        if request.called_directly:
            raise exc or Retry(None, delay)
        running.check_left(self, request, max_retries, exc)
        wanted = Retry(exc, delay)
        if throw:
            raise wanted from exc
        request.later = wanted
        return wanted

    def update_state(
        self, task_id: str | None = None, state: str | None = None, meta: Any = None, **_more: Any
    ) -> None:
        """Say how far the run has come: *meta* has ``current`` and ``total``; kept with the result.

        Raises ConfigError for another *task_id*, or a *meta* without ``current``.
        """
        report(self, task_id, state, meta)

    def AsyncResult(self, task_id: str, **_others: Any) -> AsyncResult:
        """Return what the task *task_id* comes to."""
        return AsyncResult(task_id)

    # What a base class may have in place of these:
    def before_start(self, task_id: str, args: Any, kwargs: Any) -> Any:
        """Called before each run."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> Any:
        """Called when a run has returned."""

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> Any:
        """Called when there is to be another run, because of *exc*."""

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> Any:
        """Called when a run has failed for good."""

    def after_return(
        self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any
    ) -> Any:
        """Called last, with Celery's word for how the run ended."""

    def make(self) -> None:
        """Make the job of it, by what the task and its app's settings say now. Raises ConfigError."""
        for name, value in annotations_of(self.app.conf, self.name).items():
            setattr(self, name, value)
        made = function_job(name=self.name, **job_options(self))(self._function())
        made.retry_in(retrying.retry_in)
        self._job = made
        # Where kiq looks for a job: so that kiq.periodic, kiq.testing and kiq.api take the task.
        self._kiq_spec = made._kiq_spec

    def _function(self) -> Any:
        known = vars(self).get("_kiq_function")
        if known is not None:
            return known
        run = self.run
        if inspect.iscoroutinefunction(run):
            raise ConfigError(f"{self.name} is async: write @kiq.job above it, as Celery has none")

        @functools.wraps(run)
        def perform(*args: Any, **kwargs: Any) -> Any:
            return running.run(self, args, kwargs)

        perform.__signature__ = inspect.signature(run)  # type: ignore[attr-defined]
        perform.__module__ = self.__module__
        self._kiq_function = perform
        return perform


def task_of(
    function: Callable[..., Any], app: Callable[[], Any], name: str, given: dict[str, Any]
) -> Task:
    """Return the task that a decorated *function* is: an instance of a class of its own."""
    base = given.pop("base", None) or Task
    bound = given.pop("bind", False)
    for option, why in _REFUSED.items():
        if given.pop(option, None):
            raise ConfigError(f"{name}: {option} is not here: {why}")
    for option in ("link", "link_error"):
        if given.pop(option, None):
            refuse(option)
    attributes = {
        **given,
        "name": name,
        "run": function if bound else staticmethod(function),
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__wrapped__": function,
        "_app": staticmethod(app),
    }
    made: Task = type(function.__name__, (base,), attributes)()
    made.__dict__["__name__"] = function.__name__
    made.make()
    return made


def push_stranger(
    app: Callable[[], Any], name: str, args: Any, kwargs: Any, options: dict[str, Any]
) -> AsyncResult:
    """Push a task that is known elsewhere only, by its name; return an AsyncResult."""
    stranger = type("stranger", (Task,), {"name": name, "_app": staticmethod(app)})()
    jid = options.pop("task_id", None)
    fields = {**job_options(stranger), **push_options(stranger, options)}
    pushed = push_by_name(name, plain(list(args or ())), plain(dict(kwargs or {})), fields, jid)
    return AsyncResult(pushed.jid, keeps=pushed.keeps)
