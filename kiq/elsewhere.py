"""Methods that other job systems have: looking one up says what to write here."""

from __future__ import annotations

import importlib
from typing import Any

#: Of Celery, RQ, Dramatiq, Huey, APScheduler, taskiq, arq and Active Job.
METHODS = (
    *("delay", "apply_async", "apply", "s", "si", "signature", "subtask", "chunks", "starmap"),
    *("retry", "request", "update_state", "AsyncResult"),
    *("enqueue", "enqueue_in", "enqueue_at", "enqueue_call", "enqueue_job", "perform_later"),
    *("send", "send_with_options", "message", "message_with_options"),
    *("schedule", "call_local", "revoke", "restore", "add_job", "kiq", "kicker"),
)


class Elsewhere:
    """A method that other job systems have: looking it up says what to write here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        # By name: who makes no mistake does without.
        advice = importlib.import_module("kiq.advice.others")
        raise AttributeError(advice.of_method(self._name, instance, owner))


class Refusing:
    """What job classes and what pushes them are: without the methods of other systems."""

    __slots__ = ()

    locals().update((name, Elsewhere(name)) for name in METHODS)
