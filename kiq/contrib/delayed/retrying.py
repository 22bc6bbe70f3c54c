"""When a job that failed is tried again, and what becomes of it in the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ...clock import wall
from ...errors import Discard, JobSignal
from ...payload import due_at
from ...plugin import host
from . import hooks
from .job import Job
from .settings import worker

_SOONEST = 0.001  # seconds: a moment that is past means at once

Payload = dict[str, Any]


def usual(attempts: int) -> float:
    """Return the seconds before the next attempt, when so many have failed: as in Delayed Job."""
    return float(min(attempts, 10_000) ** 4 + 5)


def retry_in(count: int, _error: BaseException, _payload: Payload) -> Any:
    """Say when a method is called again."""
    return usual(count + 1)


def rescheduled(found: Any, attempts: int) -> Any:
    """Return the seconds that ``reschedule_at(now, attempts)`` of a custom job says, or the usual ones.

    It gets an aware datetime, and returns one, or epoch seconds.
    """
    wish = getattr(found, "reschedule_at", None)
    if not callable(wish):
        return usual(attempts)
    now = datetime.fromtimestamp(wall(), UTC)
    when = due_at(f"{type(found).__qualname__}.reschedule_at", wish(now, attempts))
    return max(_SOONEST, when - wall())


def given_up(payload: Payload, error: BaseException, make: Callable[[Payload], Any] | None) -> Any:
    """Tell the hook ``failure``, and say whether the job is destroyed or goes to the dead set.

    *make* returns the custom job of a payload; None for methods, which have no hooks.
    """
    found = None
    if make is not None:
        try:
            found = make(payload)
        except Exception as problem:  # noqa: BLE001 (the job is given up all the same)
            host.report(problem, {"context": "the hook failure", "jid": payload.get("jid")})
        else:
            tell_failure(found, payload)
    own = value_of(found, "destroy_failed_jobs")
    destroys = worker.destroy_failed_jobs if own is None else bool(own)
    return Discard if destroys and not isinstance(error, JobSignal) else None


def tell_failure(found: Any, payload: Payload) -> None:
    """Call the hook ``failure``; what it raises is reported."""
    hooks.tell(found, "failure", Job(payload, make=lambda: found))


def value_of(found: Any, name: str) -> Any:
    """Return what a custom job says of *name*: an attribute, or a method without arguments; else None."""
    own = getattr(found, name, None)
    return own() if callable(own) else own
