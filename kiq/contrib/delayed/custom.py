"""Custom jobs: objects with a ``perform``, whose fields travel."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any

from ...errors import ConfigError
from ...function_job import FunctionJob
from ...function_job import job as function_job
from ...job_class import Job as KiqJob
from ...registry import registry
from ...undone import refuse_undone
from . import admitted, hooks, references, retrying
from .errors import NotDelayable
from .kinds import OWN_KEY, fields_of
from .running import loaded, note, perform


class Custom:
    """A class of custom jobs, and its job: the fields are keyword arguments, or its key is the argument."""

    def __init__(self, cls: type) -> None:
        _check(cls)
        self.cls = cls
        self._by_key = callable(getattr(cls, "__kiq_ref__", None))
        self.name = admitted.name_of(cls)
        self.job: FunctionJob[..., Any] = function_job(name=self.name)(self._runner())
        self.job.retry_in(self._retry_in)
        self.job.retries_exhausted(self._given_up)

    def known(self) -> FunctionJob[..., Any]:
        """Return its job, which the registry knows."""
        if registry.find(self.name) is not self.job._kiq_spec:
            registry.add(self.job._kiq_spec)
        return self.job

    def dump(self, found: Any) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of the job of *found*. Raises NotDelayable."""
        if self._by_key:
            return [references.dump(found.__kiq_ref__())], {}
        return [], {name: references.dump(getattr(found, name)) for name in fields_of(self.cls)}

    def made(self, payload: Mapping[str, Any]) -> Any:
        """Return the object again. Raises what references raise."""
        if self._by_key:
            return OWN_KEY.load(self.cls, {"id": payload["args"][0]}, references.load)
        return self.cls(**references.load(payload.get("kwargs") or {}))

    def _runner(self) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            note()
            return perform(loaded(lambda: self.made({"args": args, "kwargs": kwargs})))

        run.__module__, run.__doc__ = self.cls.__module__, self.cls.__doc__
        run.__name__, run.__qualname__ = self.cls.__name__, self.cls.__qualname__
        if not self._by_key:
            run.__signature__ = _signature(self.cls)  # type: ignore[attr-defined]
        return run

    def _retry_in(self, count: int, _error: BaseException, payload: dict[str, Any]) -> Any:
        if not hasattr(self.cls, "reschedule_at"):
            return retrying.usual(count + 1)
        return retrying.rescheduled(self.made(payload), count + 1)

    def _given_up(self, payload: dict[str, Any], error: BaseException) -> Any:
        return retrying.given_up(payload, error, self.made)


def _signature(cls: type) -> inspect.Signature:
    own = inspect.signature(cls)
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [each.replace(kind=kind) for each in own.parameters.values()]
    return inspect.Signature(sorted(parameters, key=lambda each: each.default is not each.empty))


_by_class: dict[type, Custom] = {}


def is_one(found: Any) -> bool:
    """Tell whether *found* is a dataclass with a ``perform`` without arguments: its objects are jobs."""
    if not isinstance(found, type) or issubclass(found, KiqJob) or not is_dataclass(found):
        return False
    method = inspect.getattr_static(found, "perform", None)
    return inspect.isfunction(method) and hooks.taken(method, 0, bound=True) == 0


def of(cls: type) -> Custom:
    """Return what is known of *cls*, made now where nothing is. Raises NotDelayable, ConfigError."""
    known = _by_class.get(cls)
    if known is None:
        known = _by_class[cls] = Custom(cls)
    known.known()
    return known


def called(name: str) -> Custom | None:
    """Return the class whose jobs are called *name*."""
    return next((each for each in reversed(_by_class.values()) if each.name == name), None)


def any_there() -> bool:
    """Tell whether there are custom jobs."""
    return bool(_by_class)


def _check(cls: Any) -> None:
    name = cls.__qualname__
    if not callable(getattr(cls, "perform", None)):
        raise NotDelayable(
            f"{name} has no perform: a custom job is an object with `def perform(self)`"
        )
    if issubclass(cls, KiqJob):
        raise NotDelayable(f"{name} is a job class of kiq: write {name}.perform_async(...)")
    if not is_dataclass(cls) and not callable(getattr(cls, "__kiq_ref__", None)):
        raise NotDelayable(
            f"{name} could not be made again: write @dataclass above it, or give it __kiq_ref__() and a "
            "classmethod __kiq_find__(key)"
        )
    refuse_undone(f"{name}.perform", cls.perform, "write @kiq.job above an async function")
    if hooks.taken(cls.perform, 0, bound=True) is None:
        raise ConfigError(f"{name}.perform must take no arguments: what it needs is in fields")
    hooks.check(cls)
