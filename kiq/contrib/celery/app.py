"""The app object, ``shared_task`` and ``current_app``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...definition import real_module
from ...errors import ConfigError, UnknownJobClass
from . import current, request
from .canvas import Signature
from .conf import Conf, zone
from .control import Control
from .entries import Entries
from .result import AsyncResult, refuse_group
from .signals import Signal
from .sources import import_tasks, settings_of, use_broker
from .task import Task, push_stranger, task_of

_RUN = "a worker is `kiq -r app.tasks -q default`, in a program of yours kiq.embed"
_API = "kiq.api.connection()"
_INSTEAD = {
    **dict.fromkeys(("Worker", "WorkController", "worker_main", "start"), _RUN),
    **dict.fromkeys(("connection", "connection_for_read", "connection_for_write"), _API),
    **dict.fromkeys(("connection_or_acquire", "broker_connection"), _API),
    **dict.fromkeys(("producer_or_acquire", "producer_pool", "pool"), "kiq.Client"),
    "Beat": "nothing: every worker can schedule, and one of them does",
    "amqp": "queues are made by the first push: kiq queues",
    "backend": "kiq.result(jid)",
    "events": "kiq.host.on_settled, kiq.plugins.job_events",
    "log": "logging.config in a module that the worker imports",
    "loader": "kiq -r app.tasks imports what it is told",
    "steps": "kiq.host.services (docs/plugins.md)",
    "user_options": "options of one's own are settings of a plugin (docs/plugins.md)",
    "setup_security": "messages are not signed; TLS to Redis by rediss://",
}


class Celery:
    """An app: its settings, its tasks, its schedule. No broker of its own: kiq's Redis.

    *broker* is a redis URL, and the same as ``kiq.configure(redis=...)``; with a *backend*, whatever it
    says, tasks keep results. Raises ConfigError.
    """

    Task: Any = Task
    GroupResult = staticmethod(refuse_group)
    ResultSet = staticmethod(refuse_group)

    def __init__(
        self,
        main: str | None = None,
        broker: Any = None,
        backend: Any = None,
        include: Sequence[str] = (),
        set_as_current: bool = True,
        task_cls: Any = None,
        config_source: Any = None,
        **settings: Any,
    ) -> None:
        self.main = main
        self.tasks: dict[str, Task] = {}
        self.on_after_configure = Signal("on_after_configure")
        self.on_after_finalize = Signal("on_after_finalize")
        self.conf = Conf(self._changed)
        self.entries = Entries(self.find, lambda: str(zone(self.conf)))
        self.control = Control()
        self._packages: list[tuple[Any, str]] = []
        self._finalized = False
        if task_cls is not None:
            self.Task = task_cls
        if set_as_current:
            current.apps.append(self)
        given = {"broker_url": broker, "result_backend": backend, "include": include or None}
        self.conf.update({name: value for name, value in given.items() if value is not None})
        self.conf.update(settings)
        if config_source is not None:
            self.config_from_object(config_source)
        self._changed("current")

    def __repr__(self) -> str:
        return f"<Celery {self.main}>"

    def __getattr__(self, name: str) -> Any:
        said = f"; here it is {_INSTEAD[name]}" if name in _INSTEAD else ""
        raise AttributeError(f"kiq.contrib.celery.Celery has no {name!r}{said}")

    def task(self, *args: Any, **options: Any) -> Any:
        """Decorate a function that is to be a task: ``@app.task`` or ``@app.task(bind=True)``."""
        if len(args) == 1 and callable(args[0]):
            return _made(args[0], lambda: self, self.tasks, options)
        if args:
            raise ConfigError("@app.task takes options by name")
        return lambda function: _made(function, lambda: self, self.tasks, options)

    def register_task(self, task: Any, **_options: Any) -> Any:
        """Take an instance (or a class) of a class with ``run``; return the instance."""
        one = task() if isinstance(task, type) else task
        one.name = one.name or self.gen_task_name(type(one).__name__, type(one).__module__)
        one._app = lambda: self
        one.make()
        self.tasks[one.name] = one
        return one

    def gen_task_name(self, name: str, module: str) -> str:
        """Return the name of a task that gives itself none."""
        return f"{real_module(module)}.{name}"

    def find(self, name: str) -> Task:
        """Return the task *name*. Raises NotRegistered."""
        found: Task | None = self.tasks.get(name) or current.shared.get(name)
        if found is None:
            raise UnknownJobClass(f"no task named {name!r} is known to {self!r}: import its module")
        return found

    def send_task(
        self,
        name: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Push a task by its name, known here or not. One round trip."""
        known = self.tasks.get(name) or current.shared.get(name)
        if known is None:
            return push_stranger(lambda: self, name, args, kwargs, options)
        return known.apply_async(args, kwargs, **options)

    def signature(self, task: Any, args: Any = (), kwargs: Any = None, **options: Any) -> Signature:
        """Return a signature: of a name, or of a dict that was one."""
        if isinstance(task, Mapping):
            return Signature(task, self.find)
        made: Signature = self.find(str(task)).signature(args, kwargs, **options)
        return made

    def AsyncResult(self, task_id: str, **_others: Any) -> AsyncResult:
        """Return what the task *task_id* comes to."""
        return AsyncResult(task_id)

    def add_periodic_task(
        self,
        schedule: Any,
        sig: Any,
        args: Any = (),
        kwargs: Any = None,
        name: str | None = None,
        **options: Any,
    ) -> str:
        """Add an entry to the schedule; while the application is imported, or on_after_configure."""
        return self.entries.add(schedule, sig, args, kwargs, name, options)

    def config_from_object(
        self, source: Any, silent: bool = False, force: bool = False, namespace: str | None = None
    ) -> None:
        """Take settings of a module, its name, an object or a mapping: those of *namespace*, if given."""
        del silent, force
        self.conf.update(settings_of(source, namespace))

    def config_from_envvar(self, name: str, silent: bool = False, **_others: Any) -> None:
        """Take settings of the module that the environment names."""
        module = os.environ.get(name)
        if module:
            self.config_from_object(module)
        elif not silent:
            raise ConfigError(f"the variable {name} names no module of settings")

    def autodiscover_tasks(
        self, packages: Any = None, related_name: str = "tasks", force: bool = False
    ) -> None:
        """Import ``tasks`` of each package when a worker starts; *force*: now. None means Django's apps."""
        if force:
            import_tasks(packages, related_name)
        else:
            self._packages.append((packages, related_name))

    def finalize(self, **_others: Any) -> None:
        """Import what is to be imported, and call who waits for that: once, when a worker starts."""
        if self._finalized:
            return
        self._finalized = True
        for name in (*self.conf.imports, *self.conf.include):
            importlib.import_module(name)
        for packages, related in self._packages:
            import_tasks(packages, related)
        self.on_after_configure.send(self)
        self.on_after_finalize.send(self)
        self.entries.take(self.conf.beat_schedule or {})

    def set_current(self) -> None:
        """Let shared tasks go by this app's settings."""
        current.apps.append(self)
        self._changed("current")

    set_default = set_current

    @property
    def current_task(self) -> Any:
        """The task that runs on this thread, or None."""
        return task_in_hand()

    def now(self) -> datetime:
        """Return the time, in the app's time zone."""
        return datetime.now(zone(self.conf))

    def close(self) -> None:
        """Do nothing: connections are kiq's."""

    def _changed(self, name: str) -> None:
        if name == "broker_url":
            use_broker(self.conf.broker_url)
        mine = current.shared.values() if app_in_use() is self else ()
        for task in (*self.tasks.values(), *mine):
            task.make()


def shared_task(*args: Any, **options: Any) -> Any:
    """Decorate a function that is to be a task of whichever app is current."""
    if len(args) == 1 and callable(args[0]):
        return _made(args[0], app_in_use, current.shared, options)
    return lambda function: _made(function, app_in_use, current.shared, options)


def app_in_use() -> Celery:
    """Return the app that was made last, or one without settings."""
    if not current.apps:
        return Celery("default")
    app: Celery = current.apps[-1]
    return app


def task_in_hand() -> Any:
    """Return the task that runs on this thread, or None."""
    run = request.running.get()
    return None if run is None else app_in_use().find(run.task)


def signature(task: Any, args: Any = (), kwargs: Any = None, **options: Any) -> Signature:
    """Return a signature: of a task's name, or of a dict that was one."""
    return app_in_use().signature(task, args, kwargs, **options)


def _made(
    function: Callable[..., Any],
    app: Callable[[], Celery],
    known: dict[str, Any],
    options: Mapping[str, Any],
) -> Task:
    given = {"base": app().Task, **options}
    name = given.pop("name", None) or app().gen_task_name(function.__name__, function.__module__)
    task = known[name] = task_of(function, app, name, given)
    return task


class _Standing:
    """What stands for something that changes: it has the attributes of what *find* returns now."""

    def __init__(self, find: Callable[[], Any]) -> None:
        object.__setattr__(self, "_find", find)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._find(), name, value)

    def __bool__(self) -> bool:
        return self._find() is not None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._find()(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self._find())


current_app: Any = _Standing(app_in_use)
current_task: Any = _Standing(task_in_hand)
