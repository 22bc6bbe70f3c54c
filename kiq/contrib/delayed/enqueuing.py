"""From a call to a push: which queue, priority and time; now, or here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ...clock import wall
from ...errors import ConfigError
from ...function_job import FunctionJob
from ...payload import due_at
from . import custom, hooks, references
from .job import Job
from .retrying import value_of
from .running import ran
from .settings import attempts, run_time, worker

#: Epoch seconds, an aware datetime, or a timedelta from now.
When = float | datetime | timedelta | None


@dataclass(frozen=True, slots=True)
class Given:
    """What a call says of its job; *options* are others of kiq's (``unique``, ``tags`` ...)."""

    run_at: Any = None
    priority: Any = None
    queue: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Given:
        """Return what *options* by their names say."""
        own = {name: options[name] for name in ("run_at", "priority", "queue") if name in options}
        return cls(**own, options={k: v for k, v in options.items() if k not in own})


def enqueue(
    job: Any,
    /,
    *,
    run_at: When = None,
    priority: int | None = None,
    queue: str | None = None,
    **options: Any,
) -> Job | None:
    """Push the custom job *job*, an object with a ``perform``; return it, or None where it was vetoed.

    The lower *priority*, the sooner; *run_at* is an aware datetime, epoch seconds, or a timedelta from
    now. One round trip; none where ``worker.delay_jobs`` says no: then it runs here, and what it raises is
    raised.     Raises NotDelayable, ConfigError, ArgumentError, StoreError.
    """
    known = custom.of(job.__class__)
    args, kwargs = known.dump(job)
    return pushed(known.known(), args, kwargs, Given(run_at, priority, queue, options), job)


def pushed(
    push: FunctionJob[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    given: Given,
    found: Any = None,
) -> Job | None:
    """Push a job by *push*; *args* and *kwargs* travel as they are. *found* is the custom job, if any."""
    name, queue = push._kiq_spec.name, given.queue or value_of(found, "queue_name")
    queue = queue or worker.default_queue_name or "default"
    draft = Job(
        {"class": name, "args": list(args), "kwargs": dict(kwargs), "queue": queue},
        _moment(name, given.run_at),
        lambda: found,
    )
    draft.priority = _priority(given.priority, queue)
    hooks.call(found, "enqueue", draft)
    options = {**_limits(found, given.options), "queue": draft.queue}
    if draft.priority:
        options["priority"] = draft.priority
    enqueuer, at = push.set(**options), _moment(name, draft.run_at)
    if not _delays(draft):
        jid = _here(enqueuer, args, kwargs)
    elif at is None or at <= wall():
        jid = enqueuer.perform_async(*args, **kwargs)
    else:
        jid = enqueuer.perform_at(at, *args, **kwargs)
    draft.jid = jid or ""
    return draft if jid else None


def _moment(name: str, when: Any) -> float | None:
    if isinstance(when, timedelta):
        return wall() + when.total_seconds()
    return None if when is None else due_at(name, when)


def _priority(given: Any, queue: str) -> Any:
    if given is not None:
        return given
    return worker.queue_attributes.get(queue, {}).get("priority", worker.default_priority)


def _limits(found: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return *options* with how often and for how long it may run; those of the call come first."""
    limits = dict(options)
    if "retry" not in limits and "retry_for" not in limits:
        own = _said(found, "max_attempts", attempts)
        limits["retry"] = (worker.max_attempts if own is None else own) - 1
    if "time_limit" not in limits:
        own, most = _said(found, "max_run_time", run_time), run_time(worker.max_run_time)
        limits["time_limit"] = most if own is None else min(own, most)
    return limits


def _said(found: Any, name: str, check: Callable[[Any], Any]) -> Any:
    own = value_of(found, name)
    try:
        return None if own is None else check(own)
    except ValueError as error:
        raise ConfigError(f"{type(found).__qualname__}.{name} {error}") from None


def _delays(draft: Job) -> bool:
    says = worker.delay_jobs
    if isinstance(says, bool):
        return says
    return bool(says(draft) if hooks.taken(says, 1) else says())


def _here(push: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Run the job here and now, its arguments through the codec; return its jid."""
    noted: list[str] = []
    token = ran.set(noted)
    try:
        push.perform_inline(*args, **kwargs)
    finally:
        ran.reset(token)
    return noted[0] if noted else None


def push_call(
    push: FunctionJob[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], given: Given
) -> Job | None:
    """Push a call of a method: *args* with its receiver first, objects among them as references."""
    push._kiq_spec.arity.check(push._kiq_spec.name, args, kwargs)
    named = {key: references.dump(value) for key, value in kwargs.items()}
    return pushed(push, [references.dump(each) for each in args], named, given)
