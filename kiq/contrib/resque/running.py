"""One run of a job: before, around, perform, after; and on_failure, whatever of these raised."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from ...context import current_job
from ...errors import ConfigError
from ...plugin import host
from ...undone import check_done
from ..failures import is_failure
from . import hooks
from .errors import DontPerform

logger = logging.getLogger("kiq.resque")

#: What a run on this thread notes its jid in, for who runs a job inline.
ran: ContextVar[list[str] | None] = ContextVar("kiq_resque_ran", default=None)


def run(cls: type, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Perform a job of *cls* within its hooks; return what ``perform`` returns.

    None where a ``before_perform`` raised DontPerform, or an ``around_perform`` did not yield. What
    any of it raises is raised, after the ``on_failure`` hooks were told, if it is a failure.
    """
    job, told = current_job(), ran.get()
    if job is not None and told is not None:
        told.append(job.jid)
    try:
        return _performed(cls, args, kwargs)
    except BaseException as error:
        if is_failure(error):
            tell_failure(cls, error, args, kwargs)
        raise


def _performed(cls: type, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    try:
        hooks.call(cls, "before_perform", args, kwargs)
    except DontPerform as why:
        logger.info("not performed: a before_perform of %s said so: %s", cls.__qualname__, why)
        return None

    def perform() -> Any:
        result = cls.perform(*args, **kwargs)  # type: ignore[attr-defined]
        return check_done(result, f"{cls.__qualname__}.perform")

    call: Callable[[], Any] = perform
    for name in reversed(hooks.names_of(cls, "around_perform")):
        call = _within(cls, name, args, kwargs, call)
    result = call()
    hooks.call(cls, "after_perform", args, kwargs)
    return result


def _within(
    cls: type, name: str, args: Sequence[Any], kwargs: dict[str, Any], inner: Callable[[], Any]
) -> Callable[[], Any]:
    """Return *inner* within one ``around_perform``: its part before the ``yield``, and that behind it."""

    def call() -> Any:
        hook = getattr(cls, name)
        if inspect.isgeneratorfunction(hook):
            return _through(hook(*args, **kwargs), f"{cls.__qualname__}.{name}", inner)
        manager = hook(*args, **kwargs)
        if not isinstance(manager, AbstractContextManager):
            raise ConfigError(
                f"{cls.__qualname__}.{name} must have a `yield`, where the job runs, or return a "
                f"context manager, not {manager!r}"
            )
        with manager:
            return inner()
        return None  # the manager took the error for its own

    return call


def _through(steps: Any, label: str, inner: Callable[[], Any]) -> Any:
    """Run *inner* where the generator *steps* yields; not at all where it does not."""
    try:
        next(steps)
    except StopIteration:
        logger.info("not performed: %s did not yield", label)
        return None

    try:
        result = inner()
    except BaseException as error:  # noqa: BLE001 (the hook decides)
        try:
            steps.throw(error)
        except StopIteration:
            return None  # the hook took the error for its own
    else:
        try:
            next(steps)
        except StopIteration:
            return result
    steps.close()
    raise ConfigError(f"{label} yields twice: a job runs once")


def tell_failure(
    cls: type, error: BaseException, args: Sequence[Any], kwargs: dict[str, Any]
) -> None:
    """Call the ``on_failure`` hooks; what one raises is reported, and the next is called."""
    for name in hooks.names_of(cls, "on_failure"):
        label = f"{cls.__qualname__}.{name}"
        try:
            check_done(getattr(cls, name)(error, *args, **kwargs), label)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 (the job failed of something else)
            host.report(problem, {"context": f"the hook {label}"})
