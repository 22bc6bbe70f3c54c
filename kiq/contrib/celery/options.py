"""Celery's options in kiq's words: of a task, and of one push."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ...clock import wall
from ...errors import ConfigError
from ...plugins.limits import window
from .canvas import refuse
from .conf import route_of, zone

_FOREVER = 1_000_000  # retries of a task whose max_retries is None
_SPANS = {"s": 1.0, "m": 60.0, "h": 3600.0}
#: What a push may say that changes nothing.
_HARMLESS = frozenset(
    (
        *("serializer", "retry", "retry_policy", "connection", "producer", "headers", "shadow"),
        *("add_to_parent", "argsrepr", "kwargsrepr", "root_id", "parent_id", "delivery_mode"),
    )
)
_INSTEAD = {
    "routing_key": "queue=",
    "exchange": "queue=",
    "compression": "an id, or a file's name: nothing is compressed",
    "reply_to": "AsyncResult.get, or a task that is pushed at the end",
    "mandatory": "nothing: a push makes its queue",
    "immediate": "nothing: a push makes its queue",
}


def job_options(task: Any) -> dict[str, Any]:
    """Return the options of the job that *task* is. Raises ConfigError."""
    conf, name = task.app.conf, task.name
    if task.acks_late is False:
        raise ConfigError(
            f"{name}: acks_late=False is not here: a job is acknowledged when it has ended, always"
        )
    if task.serializer not in (None, "json"):
        raise ConfigError(f"{name}: serializer is kiq's setting codec, for all (docs/arguments.md)")
    route = route_of(conf, name)
    given: dict[str, Any] = {
        "queue": task.queue or route.get("queue") or conf.task_default_queue or "default",
        "retry": _retries(task),
        "priority": first(task.priority, route.get("priority"), conf.task_default_priority),
    }
    ttl = _result_ttl(task, task.ignore_result)
    limit = time_limit(
        first(task.soft_time_limit, conf.task_soft_time_limit),
        first(task.time_limit, conf.task_time_limit),
    )
    rate = first(task.rate_limit, conf.task_default_rate_limit)
    optional = {
        "result_ttl": ttl,
        "time_limit": limit,
        "limit": rate_limit(name, rate) if rate else None,
        "expires_in": until(task, task.expires, None) if task.expires is not None else None,
    }
    return given | {key: value for key, value in optional.items() if value is not None}


def push_options(task: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of one push, and ``at``, when it is due. Raises ConfigError."""
    for name in ("link", "link_error", "chain", "chord", "group_id"):
        if given.get(name):
            refuse(name if name.startswith("link") else "chord")
    options: dict[str, Any] = {}
    due = at(task, given.pop("countdown", None), given.pop("eta", None))
    for name, value in given.items():
        if value is None or name in _HARMLESS:
            continue
        if name in ("queue", "priority"):
            options[name] = value
        elif name == "expires":
            options["expires_in"] = until(task, value, due)
        elif name == "ignore_result":
            options["result_ttl"] = _result_ttl(task, value)
        elif name not in ("time_limit", "soft_time_limit"):
            instead = f"; write {_INSTEAD[name]}" if name in _INSTEAD else ""
            raise ConfigError(f"{task.name}: apply_async takes no {name} here{instead}")
    limit = time_limit(given.get("soft_time_limit"), given.get("time_limit"))
    if limit is not None:
        options["time_limit"] = limit
    return options if due is None else {**options, "at": due}


def at(task: Any, countdown: Any, eta: Any) -> float | None:
    """Return when a push is due (epoch seconds), None for now. A naive *eta* is of the app's time zone."""
    if countdown is not None and eta is not None:
        raise ConfigError(
            f"{task.name}: give countdown or eta, not both: Celery drops one silently"
        )
    if countdown is not None:
        return wall() + float(countdown)
    return None if eta is None else moment(task, eta)


def moment(task: Any, when: datetime) -> float:
    """Return *when* as epoch seconds."""
    aware = when if when.tzinfo is not None else when.replace(tzinfo=zone(task.app.conf))
    return aware.timestamp()


def until(task: Any, expires: Any, due: float | None) -> float:
    """Return for how many seconds from when it is *due* a job is of use. Raises ConfigError."""
    now = wall()
    if isinstance(expires, datetime):
        end = moment(task, expires)
    else:
        end = now + (expires.total_seconds() if isinstance(expires, timedelta) else float(expires))
    left = end - max(now, due or now)
    if left <= 0:
        raise ConfigError(f"{task.name}: it expires before it is due, and would never run")
    return left


def time_limit(soft: float | None, hard: float | None) -> float | None:
    """Return kiq's time limit: it raises in the task, as the soft one does. None kills a process."""
    given = [float(each) for each in (soft, hard) if each]
    return min(given) if given else None


def rate_limit(name: str, rate: Any) -> Any:
    """Return the limit that ``"10/m"`` is: so many in a time, in all processes together."""
    number, _, unit = str(rate).partition("/")
    try:
        size, per = float(number), _SPANS[unit.strip() or "s"]
    except (ValueError, KeyError):
        raise ConfigError(f"{name}: rate_limit is such as '10/m', not {rate!r}") from None
    if size <= 0:
        raise ConfigError(
            f"{name}: rate_limit {rate!r} would let none run; pause its queue for that"
        )
    if size < 1 or size != int(size):
        size, per = 1, per / size
    known = "".join(each if each.isalnum() or each in "_.-" else "_" for each in name)
    return window(known[-100:], int(size), per)


def first(*given: Any) -> Any:
    """Return the first that is not None."""
    return next((each for each in given if each is not None), None)


def _retries(task: Any) -> int:
    most = task.retry_kwargs.get("max_retries", task.max_retries)
    both = (task.max_retries, most)
    return _FOREVER if None in both else max(int(each) for each in both)


def _result_ttl(task: Any, ignored: bool | None) -> float | None:
    conf = task.app.conf
    if first(ignored, conf.task_ignore_result) or not conf.result_backend:
        return None
    return _seconds(conf.result_expires)


def _seconds(expires: Any) -> float:
    if isinstance(expires, timedelta):
        expires = expires.total_seconds()
    return float(expires or 365 * 86_400)  # None and 0 are for ever; here a year
