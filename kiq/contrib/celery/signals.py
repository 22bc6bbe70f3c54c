"""The signals of ``celery.signals`` that have something to tell here; others say what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...plugin import host

Receiver = Callable[..., Any]


class Signal:
    """Who listens to something. Threads: connected while the application is imported."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._receivers: list[tuple[Receiver, Any]] = []

    def __repr__(self) -> str:
        return f"<signal {self.name}>"

    def connect(self, receiver: Any = None, sender: Any = None, **_others: Any) -> Any:
        """Call *receiver* with keyword arguments, of *sender* alone if given; may be a decorator."""
        if receiver is None:
            return lambda function: self.connect(function, sender)
        if (receiver, sender) not in self._receivers:
            self._receivers.append((receiver, sender))
        return receiver

    def disconnect(self, receiver: Any = None, sender: Any = None, **_others: Any) -> bool:
        """Call *receiver* no more; tell whether it was connected."""
        known = (receiver, sender) in self._receivers
        self._receivers = [each for each in self._receivers if each != (receiver, sender)]
        return known

    def send(self, sender: Any, **named: Any) -> None:
        """Tell all who listen; what one raises is reported, and the next is told."""
        for receiver, wanted in list(self._receivers):
            if wanted is None or wanted is sender or wanted == getattr(sender, "name", None):
                try:
                    receiver(signal=self, sender=sender, **named)
                except Exception as error:  # noqa: BLE001 (a listener can't fail what it hears of)
                    host.report(error, {"context": f"a receiver of {self.name}"})


before_task_publish = Signal("before_task_publish")
after_task_publish = Signal("after_task_publish")
task_prerun = Signal("task_prerun")
task_postrun = Signal("task_postrun")
task_success = Signal("task_success")
task_failure = Signal("task_failure")
task_retry = Signal("task_retry")
worker_init = Signal("worker_init")
worker_process_init = Signal("worker_process_init")
worker_ready = Signal("worker_ready")
worker_shutting_down = Signal("worker_shutting_down")
worker_shutdown = Signal("worker_shutdown")
worker_process_shutdown = Signal("worker_process_shutdown")
heartbeat_sent = Signal("heartbeat_sent")

#: Of a worker: the event of kiq at which each is sent.
EVENTS = {
    "startup": (worker_init, worker_process_init, worker_ready),
    "shutdown": (worker_shutting_down,),
    "exit": (worker_process_shutdown, worker_shutdown),
    "beat": (heartbeat_sent,),
}

INSTEAD = {
    "task_revoked": "kiq.host.on_settled(handler): a job that was cancelled is settled as Dropped",
    "task_received": "kiq.plugins.job_events.observe(kiq.host, started=...)",
    "task_rejected": "kiq.host.on_death(handler): what can't be read is in the dead set",
    "task_unknown": "kiq.host.on_error(handler): kiq.UnknownJobClass",
    "task_internal_error": "kiq.host.on_error(handler)",
    "celeryd_init": '@kiq.host.on("startup")',
    "celeryd_after_setup": '@kiq.host.on("startup")',
    "worker_before_create_process": '@kiq.host.on("before_fork")',
    "beat_init": "nothing: every worker can schedule, and one of them does",
    "beat_embedded_init": "nothing: every worker can schedule, and one of them does",
    "setup_logging": "logging.config in a module that the worker imports (docs/operations.md)",
    "after_setup_logger": "logging.config in a module that the worker imports (docs/operations.md)",
    "after_setup_task_logger": "logging.config in a module that the worker imports",
    "eventlet_pool_started": "nothing: threads are threads",
    "eventlet_pool_preshutdown": "nothing: threads are threads",
    "eventlet_pool_postshutdown": "nothing: threads are threads",
    "eventlet_pool_apply": "nothing: threads are threads",
}


def __getattr__(name: str) -> Any:
    said = f"; write {INSTEAD[name]}" if name in INSTEAD else ""
    raise AttributeError(f"kiq.contrib.celery.signals has no {name!r}{said}")
