"""The plugin: what a worker needs for jobs in the manner of Resque."""

from __future__ import annotations

from typing import Any

from ...boot import plugin_of
from ...middleware import ClientContext, Next
from ...plugin import Host
from . import failure, schedules
from .finding import classes, config_in_use
from .following import service
from .hooks import call, names_of
from .job_classes import class_of, known_classes, register
from .running import tell_failure
from .settings import ResqueSettings
from .signals import Signals

_PERIODIC = "kiq.plugins.periodic.plugin:Periodic"
_DIED = "kiq.PoisonPill"  # as failed jobs say it, of one that no run could end


class Resque:
    """The plugin ``resque``. It is made when the application has been imported, and knows its jobs then.

    Raises ConfigError for classes, or entries of a schedule, that can't be.
    """

    name = "resque"

    def __init__(self) -> None:
        for cls in classes():
            register(cls)
        self._scheduled = schedules.declare_static()

    def install(self, host: Host) -> None:
        """Attach what is told of failures, and what runs the hooks of jobs that were delayed."""
        if self._scheduled:
            host.install(plugin_of(_PERIODIC))
        host.services.append(service)
        if config_in_use().of(ResqueSettings).signals:
            Signals().install(host)
        host.on_death(_died)
        if any(names_of(cls, "before_delayed_enqueue") for cls in known_classes()):
            host.around_push(BeforeDelayedEnqueue())  # else promotions need not pass it


class BeforeDelayedEnqueue:
    """Client middleware: calls ``before_delayed_enqueue`` when a job that waited for its time is due."""

    def applies_to(self, job_class: Any) -> bool:
        """Return whether the class has such a hook."""
        cls = class_of(job_class)
        return cls is not None and bool(names_of(cls, "before_delayed_enqueue"))

    def __call__(self, context: ClientContext, call_next: Next[ClientContext]) -> Any:
        """Call the hooks; what they raise puts the job off."""
        payload = context.payload
        cls = class_of(payload["class"])
        due = "failed_at" not in payload if context.promoting else "periodic" in payload
        if cls is not None and due:
            call(cls, "before_delayed_enqueue", payload["args"], payload.get("kwargs") or {})
        return call_next(context)


def _died(payload: dict[str, Any], error: BaseException) -> None:
    """Tell the hooks of a class whose process died at each attempt, and all failure backends."""
    cls = class_of(payload.get("class"))
    if cls is not None and payload.get("error_class") == _DIED:
        tell_failure(cls, error, payload.get("args", []), payload.get("kwargs") or {})
    failure.tell(payload, error)
