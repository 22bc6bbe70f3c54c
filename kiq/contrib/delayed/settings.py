"""``delayed.worker``: what ``Delayed::Worker`` has for an application to set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from ...errors import ConfigError
from ...priority import checked as checked_priority
from ...undone import refuse_undone

#: What it has elsewhere, and what says the same here.
_ELSEWHERE = {
    "sleep_delay": "nothing: an idle worker is woken by the push",
    "read_ahead": "nothing: a worker takes as many jobs as it can start",
    "min_priority": "a queue of its own: a worker takes all priorities of its queues",
    "max_priority": "a queue of its own: a worker takes all priorities of its queues",
    "raise_signal_exceptions": "shutdown_timeout: how long jobs may go on when the process is to end",
    "exit_on_complete": "`kiq jobs workoff`",
    "queues": "QUEUES=mail,default kiq jobs work, or queues: in config/kiq.yml",
    "logger": 'logging.getLogger("kiq")',
    "default_log_level": "log_level in config/kiq.yml",
    "plugins": "kiq.host.install (docs/plugins.md)",
    "backend": "nothing: jobs are in Redis",
}


def attempts(value: Any) -> Any:
    """Return *value*, a number of attempts."""
    return value if type(value) is int and value >= 1 else _refuse("a number of 1 or more", value)


def run_time(value: Any) -> float:
    """Return the seconds of a number or a timedelta, more than 0."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 1e9:
        _refuse("seconds, or a timedelta", value)
    return float(seconds)


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) else _refuse("True or False", value)


def _delays(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if not callable(value):
        _refuse("True, False, or a function of a job", value)
    refuse_undone("delayed.worker.delay_jobs", value)
    return value


def _priority(value: Any) -> Any:
    return checked_priority(0 if value is None else value)


def _queue(value: Any) -> Any:
    return (
        value if value is None or (isinstance(value, str) and value) else _refuse("a name", value)
    )


def _attributes(value: Any) -> Any:
    if not isinstance(value, Mapping) or not all(
        isinstance(each, Mapping) and set(each) <= {"priority"} for each in value.values()
    ):
        _refuse('a mapping such as {"mail": {"priority": -10}}', value)
    return {
        name: {key: _priority(one) for key, one in each.items()} for name, each in value.items()
    }


def _missing(value: Any) -> Any:
    words = ("retry", "dead", "discard")
    return value if value in words else _refuse(f"one of {', '.join(words)}", value)


def _session(value: Any) -> Any:
    return value if value is None or callable(value) else _refuse("a scoped_session", value)


def _refuse(what: str, value: Any) -> Any:
    raise ValueError(f"must be {what}, not {value!r}")


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "max_attempts": attempts,
    "max_run_time": run_time,
    "destroy_failed_jobs": _truth,
    "default_priority": _priority,
    "default_queue_name": _queue,
    "queue_attributes": _attributes,
    "delay_jobs": _delays,
    "on_missing": _missing,
    "session": _session,
}


class Worker:
    """Settings of this process, for what it enqueues and what it runs: set them where both import them.

    *max_attempts* counts the first one; *max_run_time* is seconds or a timedelta. *on_missing* says what
    becomes of a job whose object is not there: "retry", "dead" or "discard". *session* returns the session
    of SQLAlchemy in which rows are found. Raises ConfigError for what can't be.
    """

    max_attempts: int
    max_run_time: float | timedelta
    destroy_failed_jobs: bool
    default_priority: int
    default_queue_name: str | None
    queue_attributes: Mapping[str, Mapping[str, int]]
    delay_jobs: bool | Callable[..., object]
    on_missing: Literal["retry", "dead", "discard"]
    session: Callable[[], Any] | None

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Set all of it to what it was at first: for tests."""
        self.max_attempts, self.max_run_time, self.destroy_failed_jobs = 25, 4 * 3600.0, False
        self.default_priority, self.default_queue_name, self.queue_attributes = 0, None, {}
        self.delay_jobs, self.on_missing, self.session = True, "retry", None

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            check = _CHECKS.get(name)
            if check is None:
                said = f": here it is {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
                raise ConfigError(f"delayed.worker has no {name!r}{said}")
            try:
                super().__setattr__(name, check(value))
            except ValueError as error:
                raise ConfigError(f"delayed.worker.{name} {error}") from None


#: The settings of this process.
worker = Worker()
