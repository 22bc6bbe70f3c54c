"""One run: references are followed, then the method is called, or the custom job within its hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from ...context import current_job
from ...errors import Discard, Kill
from ...undone import check_done
from ..failures import is_failure
from . import hooks, references
from .errors import RefNotFound
from .job import Job
from .settings import worker

T = TypeVar("T")

#: What a run on this thread notes its jid in, for who runs a job here and now.
ran: ContextVar[list[str] | None] = ContextVar("kiq_delayed_ran", default=None)


def note() -> None:
    """Note the job that runs here, for who waits for it."""
    job, told = current_job(), ran.get()
    if job is not None and told is not None:
        told.append(job.jid)


def loaded(make: Callable[[], T]) -> T:
    """Return what *make* makes of a payload. Raises Kill or Discard where ``on_missing`` says so."""
    try:
        return make()
    except RefNotFound as missing:
        if worker.on_missing == "discard":
            raise Discard(str(missing)) from missing
        if worker.on_missing == "dead":
            raise Kill(str(missing)) from missing
        raise


def arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call, references followed."""
    return references.load(list(args)), references.load(dict(kwargs))


def perform(found: Any) -> Any:
    """Run the custom job *found* within its hooks; return what its ``perform`` returns.

    In this order: before, perform, success, after; or error in the place of success. What before, success
    and after raise fails the job; what error raises, and after behind a failure, is reported.
    """
    context = current_job()
    payload = context.payload if context is not None else {"class": type(found).__qualname__}
    job = Job(payload, make=lambda: found)
    try:
        hooks.call(found, "before", job)
        result = check_done(found.perform(), f"{type(found).__qualname__}.perform")
        hooks.call(found, "success", job)
    except BaseException as error:
        if is_failure(error):
            hooks.tell(found, "error", job, error)
        hooks.tell(found, "after", job)
        raise
    hooks.call(found, "after", job)
    return result
